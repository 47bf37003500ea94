import { Socket } from "node:net";
import { BridgescopeError } from "../../system/errors.ts";
import { threadCpuTimes } from "../../system/libc.ts";
import { patience } from "../../system/patience.ts";
import { nowNs } from "./clock.ts";
import { type Inside, type Job, runInThread } from "./inside-thread.ts";
import type { RoundOrder, StreamResult } from "./order.ts";
import { type Link, nameOf } from "./pairs.ts";
import { Slots, slotsIn } from "./slots.ts";
import { connectTcp } from "./tcp-connect.ts";

export interface StreamSenderSetup {
  links: Link[];
  /** Bytes of one write. */
  size: number;
}

/** A peer that takes no byte on any connection for so long has stopped. */
const SILENCE_MS = patience(1_000);
/** Node's timers count milliseconds: at a fixed rate what is due goes out as often. */
const TICK_MS = 1;

/** Writes to Node's own sockets as fast as they take it, or at a rate. */
runInThread((setup: StreamSenderSetup, inside: Inside): Job<RoundOrder, StreamResult> => {
  const chunk = Buffer.alloc(setup.size);
  const sockets = setup.links.map((link) => {
    // Node makes a socket only after the current turn; ours belongs to the namespace of this moment.
    const fd = connectTcp(link, inside);
    const socket = new Socket({
      fd: inside.descriptors.release(fd),
      readable: true,
      writable: true,
    });
    return { link, socket };
  });
  return { round: (order) => new StreamRound(sockets, chunk, order, inside).result };
});

class StreamRound {
  readonly result: Promise<StreamResult>;
  readonly #sockets: readonly { link: Link; socket: Socket }[];
  readonly #chunk: Buffer;
  readonly #order: RoundOrder;
  readonly #inside: Inside;
  readonly #cpuBefore = threadCpuTimes();
  readonly #beganNs = nowNs();
  readonly #slots: Slots | null;
  readonly #timers: NodeJS.Timeout[] = [];
  #messages = 0;
  #turn = 0;
  #finish: () => void = () => {};

  constructor(
    sockets: readonly { link: Link; socket: Socket }[],
    chunk: Buffer,
    order: RoundOrder,
    inside: Inside,
  ) {
    this.#sockets = sockets;
    this.#chunk = chunk;
    this.#order = order;
    this.#inside = inside;
    const { rate, amount, durationNs } = order;
    this.#slots =
      rate === null ? null : new Slots(rate, this.#beganNs, amount ?? slotsIn(rate, durationNs));
    this.result = this.#run();
  }

  async #run(): Promise<StreamResult> {
    const { amount, durationNs } = this.#order;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#finish = resolve;
        for (const { link, socket } of this.#sockets) {
          socket.on("error", (error) =>
            reject(new BridgescopeError(`${nameOf(link)}: ${error.message}`)),
          );
          socket.on("drain", () => this.#fill(socket));
        }
        this.#watch(reject);
        // The sockets may all be full when the time is over.
        if (amount === null) this.#timers.push(setTimeout(resolve, durationNs / 1e6));
        if (this.#slots === null) for (const { socket } of this.#sockets) this.#fill(socket);
        else this.#timers.push(setInterval(() => this.#tick(), TICK_MS));
      });
    } finally {
      for (const timer of this.#timers) clearInterval(timer);
      for (const { socket } of this.#sockets) {
        socket
          .removeAllListeners("drain")
          .removeAllListeners("error")
          .on("error", () => {});
      }
    }
    const cpu = threadCpuTimes();
    return {
      messages: this.#messages,
      beganNs: this.#beganNs,
      elapsedNs: nowNs() - this.#beganNs,
      unreached: this.#slots?.unreached ?? false,
      cpu: {
        userNs: cpu.userNs - this.#cpuBefore.userNs,
        systemNs: cpu.systemNs - this.#cpuBefore.systemNs,
      },
    };
  }

  /** Without a rate: writes until the socket wants no more. */
  #fill(socket: Socket): void {
    if (this.#slots !== null) return;
    while (this.#mayWrite()) {
      this.#messages++;
      if (!socket.write(this.#chunk)) return;
    }
    this.#finish();
  }

  /** At a rate: what is due, to the sockets in turn; a full one is passed over. */
  #tick(): void {
    const slots = this.#slots;
    if (slots === null) return;
    const now = nowNs();
    for (let full = 0; full < this.#sockets.length && slots.nextNs <= now; ) {
      const socket = this.#sockets[this.#turn++ % this.#sockets.length]?.socket;
      if (socket === undefined || socket.writableNeedDrain) full++;
      else {
        full = 0;
        slots.take(now);
        this.#messages++;
        socket.write(this.#chunk);
      }
    }
    if (slots.nextNs === Number.POSITIVE_INFINITY) this.#finish();
  }

  #mayWrite(): boolean {
    const { amount, durationNs } = this.#order;
    if (!this.#inside.running()) return false;
    if (amount !== null) return this.#messages < amount;
    return nowNs() - this.#beganNs < durationNs;
  }

  /** Rejects when bytes wait and none has gone for too long. */
  #watch(reject: (error: Error) => void): void {
    let gone = -1;
    let since = Date.now();
    const look = () => {
      // One that broke since the last round says so no more: it just never drains.
      const broken = this.#sockets.find(({ socket }) => socket.destroyed);
      if (broken !== undefined) {
        reject(new BridgescopeError(`${nameOf(broken.link)}: the connection is broken`));
      }
      const written = this.#sum((socket) => socket.bytesWritten);
      const waiting = this.#sum((socket) => socket.writableLength);
      if (written - waiting !== gone || waiting === 0) {
        gone = written - waiting;
        since = Date.now();
      } else if (Date.now() - since > SILENCE_MS) {
        const where = this.#sockets.map(({ link }) => nameOf(link))[0];
        const seconds = SILENCE_MS / 1000;
        reject(new BridgescopeError(`${where}: the peer took no byte for ${seconds} s`));
      }
    };
    this.#timers.push(setInterval(look, SILENCE_MS / 10));
  }

  #sum(what: (socket: Socket) => number): number {
    return this.#sockets.reduce((sum, { socket }) => sum + what(socket), 0);
  }
}
