import type { MetricName } from "../../document/run.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import { macAddress } from "../../setup/mac.ts";
import { SWITCH } from "../../setup/plan.ts";
import { readCounters } from "../../system/counters.ts";
import { ToolError, UsageError } from "../../system/errors.ts";
import { setThreadCpus, threadCpus } from "../../system/libc.ts";
import { FrameTrain, openPacketSocket, type PacketSocket } from "../../system/packet-socket.ts";
import { SMALLEST_FRAME, testFrame } from "../load/frames.ts";
import { type SendResult, saturate } from "../load/saturate.ts";
import { type Sender, startSenders } from "../load/senders.ts";
import { quiet } from "../quiet.ts";
import type { NumberParameter } from "./parameters.ts";
import type { Driver, RoundResult, Workload, WorkloadContext } from "./workload.ts";

const TRAIN = 64;
/** Copies that one system call may set off, so that a flood on many ports still leaves us the CPU. */
const COPIES_A_CALL = 4096;
const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** 22 bits of made-up addresses: see mac.ts. */
const ADDRESS_SPACE = 1 << 22;
/** The made-up address that no host has. */
const NOBODY = ADDRESS_SPACE - 1;

/** New source addresses a round of `learn`. */
const ADDRESSES = {
  name: "addresses",
  default: 8192,
  min: 1,
  // Every frame is built before the round: memory is the bound here, not the FDB.
  max: () => 1 << 16,
} satisfies NumberParameter;

const DEFAULT_MTU = 1500;
const HEADER = 14;

/** Bytes of the frame without its FCS. */
const FRAME = {
  name: "frameSize",
  default: SMALLEST_FRAME,
  min: SMALLEST_FRAME,
  max: (topology) => (topology.mtu ?? DEFAULT_MTU) + HEADER,
} satisfies NumberParameter;

/** Each a host, a thread and a CPU of its own. */
const SENDERS = {
  name: "senders",
  default: 1,
  min: 1,
  max: ({ kind, hosts }) => (kind === "bridge" ? hosts.length : 1),
} satisfies NumberParameter;

interface Pattern {
  name: string;
  summary: string;
  topologies: Workload["topologies"];
  /** Where the host at this place among the lab's sends to. */
  destination(lab: BuiltLab, from: number): string;
  /** Copies that one frame becomes, on a lab whose ports all forward. */
  copies(lab: BuiltLab): number;
}

export const forward = rawWorkload({
  name: "forward",
  summary:
    "Small frames from each sender to the next host, whose address is known; pinned, saturated (packet socket, no queueing discipline)",
  topologies: ["veth", "bridge"],
  destination: (lab, from) => lab.hosts[(from + 1) % lab.hosts.length]?.mac ?? BROADCAST,
  copies: () => 1,
});

export const flood = rawWorkload({
  name: "flood",
  summary: "Small frames to an address that nobody has, from one pinned, saturated sender",
  topologies: ["bridge"],
  destination: (lab) => macAddress(lab.id, "sender", NOBODY),
  copies: (lab) => lab.hosts.length - 1,
});

export const broadcast = rawWorkload({
  name: "broadcast",
  summary: "Small broadcast frames from one pinned, saturated sender (RFC 2889, 5.10)",
  topologies: ["bridge"],
  destination: () => BROADCAST,
  copies: (lab) => lab.hosts.length - 1,
});

function rawWorkload(pattern: Pattern): Workload {
  return {
    name: pattern.name,
    summary: pattern.summary,
    topologies: pattern.topologies,
    bypassesQdisc: true,
    keepsEachRtt: false,
    minimumRoundNs: 10e6,
    sampleOneIn: 16,
    parameters: [FRAME, SENDERS],
    prepare: async (context) => {
      const { lab, options } = context;
      const count = options.senders ?? SENDERS.default;
      const copies = pattern.copies(lab);
      const burst = Math.max(1, Math.min(TRAIN, Math.floor(COPIES_A_CALL / Math.max(1, copies))));
      const size = options.frameSize ?? FRAME.default;
      requireCpus(count, context);
      const opened = Array.from({ length: count }, (_, index) => open(context, index));
      const placed = opened.map(({ cpu }, index) => ({
        thread: count === 1 ? "sender" : `sender ${index + 1}`,
        cpus: pinnedTo(cpu),
      }));
      await prime(context, count);
      const [first, ...others] = opened.map(({ sender, cpu, socket }, index): Sender => {
        return {
          fd: socket.fd,
          cpu,
          burst,
          frame: testFrame(pattern.destination(lab, index), sender.mac, size),
        };
      });
      if (first === undefined) throw new RangeError("a workload without a sender");
      const senders = startSenders(first, others);
      return {
        describe: () => ({
          name: pattern.name,
          frameSize: size,
          burst,
          senders: count,
          engine: "sendmmsg",
        }),
        placement: () => placed,
        round: (durationNs) =>
          measure(context, { copies, senders: count }, () =>
            senders.round(durationNs, context.signal),
          ),
        close: async () => {
          await senders.close();
          for (const { socket } of opened) socket.close();
        },
      } satisfies Driver;
    },
  };
}

export const learn: Workload = {
  name: "learn",
  summary: `Frames from ${ADDRESSES.default} new source addresses to a known address, whatever --duration says; the FDB is flushed between rounds`,
  topologies: ["bridge"],
  bypassesQdisc: true,
  keepsEachRtt: false,
  minimumRoundNs: 10e6,
  sampleOneIn: 1,
  parameters: [FRAME, ADDRESSES],
  prepare: async (context) => {
    const { cpu, socket } = open(context, 0);
    const { lab, options } = context;
    const size = options.frameSize ?? FRAME.default;
    const addresses = options.addresses ?? ADDRESSES.default;
    const destination = lab.hosts[1]?.mac ?? BROADCAST;
    let next = 0;
    return {
      describe: () => ({
        name: "learn",
        frameSize: size,
        addresses,
        engine: "sendmmsg",
      }),
      placement: () => [{ thread: "sender", cpus: pinnedTo(cpu) }],
      round: async () => {
        await flushFdb(lab);
        await prime(context, 1);
        const trains = newAddressTrains(lab, destination, size, { first: next, count: addresses });
        next = (next + addresses) % (ADDRESS_SPACE - addresses);
        const before = await countLearned(lab);
        let at = 0;
        const result = await measure(context, { copies: 1, senders: 1 }, () =>
          saturate(
            socket.fd,
            () => trains[at++] ?? new FrameTrain([]),
            { durationNs: Number.POSITIVE_INFINITY, trains: trains.length },
            cpu,
            context.signal,
          ),
        );
        const learned = (await countLearned(lab)) - before;
        return {
          ...result,
          metrics: { ...result.metrics, learning_rate: (learned / result.elapsedNs) * 1e9 },
        };
      },
      close: async () => socket.close(),
    };
  },
};

function newAddressTrains(
  lab: BuiltLab,
  destination: string,
  size: number,
  { first, count }: { first: number; count: number },
): FrameTrain[] {
  const frames = Array.from({ length: count }, (_, index) =>
    testFrame(destination, macAddress(lab.id, "sender", first + index), size),
  );
  return Array.from(
    { length: Math.ceil(count / TRAIN) },
    (_, group) => new FrameTrain(frames.slice(group * TRAIN, (group + 1) * TRAIN)),
  );
}

/** The host at this place among the lab's, its socket, and the CPU of its own. */
function open({ lab, cpus }: WorkloadContext, index: number) {
  const sender = lab.hosts[index];
  if (sender === undefined) throw new UsageError("the lab has too few hosts");
  const socket = openPacketSocket(sender.namespace, sender.ifindex, { bypassQdisc: true });
  return { sender, cpu: cpus[index] ?? 0, socket };
}

function requireCpus(senders: number, { cpus }: WorkloadContext): void {
  if (senders <= cpus.length) return;
  throw new UsageError(
    `${senders} senders need a CPU each, and this process may use ${cpus.length}`,
  );
}

/** Every sender and whom it sends to speak once to each other, so that the bridge knows where both are. */
async function prime({ lab }: WorkloadContext, senders: number): Promise<void> {
  for (let index = 0; index < senders; index++) {
    const sender = lab.hosts[index];
    const receiver = lab.hosts[(index + 1) % lab.hosts.length];
    if (sender === undefined || receiver === undefined) return;
    for (const [from, to] of [
      [receiver, sender],
      [sender, receiver],
    ] as const) {
      const socket: PacketSocket = openPacketSocket(from.namespace, from.ifindex);
      try {
        socket.send(testFrame(to.mac, from.mac, SMALLEST_FRAME));
      } finally {
        socket.close();
      }
    }
  }
}

/** Runs the senders and sets what arrived, by the receiving ends' counters, beside what was sent. */
async function measure(
  context: WorkloadContext,
  { copies, senders }: { copies: number; senders: number },
  send: () => Promise<SendResult>,
): Promise<RoundResult & { elapsedNs: number }> {
  const before = delivered(context.lab, senders);
  const { frames, elapsedNs, trainNsPerFrame, cpuNs, cpu } = await send();
  if (frames === 0)
    throw new ToolError("sendmmsg", "the kernel took none of the frames in this round");
  await quiet(context.lab, context.signal);
  const arrived = delivered(context.lab, senders) - before;
  const metrics: Partial<Record<MetricName, number>> = {
    ns_per_frame: cpuNs / frames,
    frame_rate: (frames / elapsedNs) * 1e9,
    copy_rate: (arrived / elapsedNs) * 1e9,
    frame_loss: Math.max(0, 1 - arrived / (frames * copies)),
  };
  return { metrics, cpu, elapsedNs, trainNsPerFrame };
}

/** Frames that hosts received: a single sender, and the bridge's host side, receive none of theirs. */
function delivered(lab: BuiltLab, senders: number): number {
  if (lab.bridge === null) {
    const to = lab.hosts[1];
    return to === undefined ? 0 : (readCounters(to.namespace).get(to.device)?.rx ?? 0);
  }
  const ports = new Set(lab.hosts.slice(senders === 1 ? 1 : 0).map((host) => host.port?.name));
  let frames = 0;
  for (const [name, counters] of readCounters(lab.bridge.namespace)) {
    if (ports.has(name)) frames += counters.tx;
  }
  return frames;
}

/** Where the kernel lets the sender run once it is pinned. */
function pinnedTo(cpu: number): number[] {
  const all = threadCpus();
  try {
    setThreadCpus([cpu]);
    return threadCpus();
  } finally {
    setThreadCpus(all);
  }
}

async function flushFdb(lab: BuiltLab): Promise<void> {
  const words = ["link", "set", "dev", lab.bridge?.name ?? "", "type", "bridge", "fdb_flush"];
  await lab.site.runOk("ip", words, { namespace: lab.names.namespace(SWITCH) });
}

/** Addresses in the FDB that the bridge has learned. */
async function countLearned(lab: BuiltLab): Promise<number> {
  const namespace = lab.names.namespace(SWITCH);
  const text = await lab.site.runOk(
    "bridge",
    ["fdb", "show", "br", lab.bridge?.name ?? "", "dynamic"],
    { namespace },
  );
  return text.split("\n").filter((line) => / master /.test(line)).length;
}
