/** A probe program that looks at bridges of the host, with its maps at hand. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BackendName, ProbeBackend } from "../probes/backend.ts";
import { NONCE, type ProbeProgram, startProbes } from "../probes/bpftrace.ts";
import { openProbeMaps, type ProbeMaps } from "../probes/maps.ts";
import { programText, type WATCH } from "../probes/programs.ts";
import { ToolError } from "../system/errors.ts";
import { close, enableBpfStatistics, SystemCallError } from "../system/libc.ts";
import { openPrivateSite } from "../system/site.ts";
import { type EventCost, measureEventCost } from "./event-cost.ts";
import { type Hooks, takePrograms } from "./hooks.ts";

export interface LiveProgram {
  maps: ProbeMaps;
  backend: BackendName;
  event: EventCost;
  /** Resolves when it can be attached again. */
  ready(): Promise<unknown>;
  /**
   * Counts when it resolves, with nothing left of the frame that was in hand when it last did, and times one frame in
   * 2^shift; `opened` is called just before. Its programs come to their places one after another, so until all are there
   * no frame is taken into hand: of a frame that is counted everything is.
   */
  attach(shift?: number, opened?: () => void): Promise<void>;
  /** The same while it counts. */
  time(shift: number): void;
  /**
   * Costs nothing from when it resolves on. Takes no more frames into hand, calls `closed`, lets those in hand be finished,
   * and then lets the programs go.
   */
  detach(closed?: () => void): Promise<void>;
  attached(): boolean;
  /** Share of one CPU that it takes while `wait` runs. */
  cost(wait: () => Promise<void>): Promise<number>;
  /** Firings that the kernel left out. */
  missed(): number;
  /** Nothing of it stays. */
  close(): Promise<void>;
}

/** The map @mask, and what it holds while no frame is taken into hand: more than any mask of frames that are timed. */
const GATE = "mask";
const CLOSED = 1n << 32n;
/** A poll of NAPI with a frame that leaves by a thousand ports takes no longer. */
const SETTLE_MS = 3;
/** For a second. */
const HELD_TRIES = 100;
const HELD_MS = 10;

/** Entries that each of its maps can hold. */
const MAP_KEYS = 65_536;
/** Bytes of a text in a map: names of devices and commands have 16 with their last one. */
const TEXT_BYTES = 16;

/**
 * Loads the program of `watch` or `explain` for the first of the backends whose program the kernel takes; its first parameter
 * is the marker's nonce, `parameters` are the others, and it counts when it is told to.
 */
export async function loadLive(
  files: typeof WATCH,
  [backend, ...others]: readonly ProbeBackend[],
  signal?: AbortSignal,
  parameters: readonly string[] = [],
): Promise<LiveProgram> {
  if (backend === undefined) throw new Error("no backend was given");
  try {
    return await load(files, backend, signal, parameters);
  } catch (error) {
    // A verifier may refuse what another takes.
    if (others.length === 0 || !(error instanceof ToolError)) throw error;
    return loadLive(files, others, signal, parameters);
  }
}

async function load(
  files: typeof WATCH,
  backend: ProbeBackend,
  signal: AbortSignal | undefined,
  parameters: readonly string[],
): Promise<LiveProgram> {
  const site = await openPrivateSite();
  try {
    const program: ProbeProgram = {
      ...programText(backend.name === "tracepoint" ? files.tracepoint : files.function, backend),
      parameters: [NONCE, ...parameters],
      mapKeys: MAP_KEYS,
      textBytes: TEXT_BYTES,
    };
    const session = await startProbes(site, program, signal);
    let maps: ProbeMaps | null = null;
    try {
      const { pid } = session.child;
      maps = openProbeMaps(pid);
      const tracing = `${site.root}/sys/kernel/tracing`;
      const hooks = takePrograms(pid, program.text, tracing);
      await session.kill();
      return await live(maps, hooks, backend.name);
    } catch (error) {
      maps?.close();
      throw error;
    } finally {
      await session.kill();
    }
  } finally {
    await site.close();
  }
}

/** Where it is rejected the hooks are closed, and the maps are not. */
async function live(maps: ProbeMaps, hooks: Hooks, backend: BackendName): Promise<LiveProgram> {
  let event: EventCost;
  try {
    event = measureEventCost(hooks, maps, backend);
  } catch (error) {
    await hooks.close();
    throw error;
  }
  const gate = (value: bigint) => void maps.set(GATE, [[[0n], value]]);
  const time = (shift: number) => gate((1n << BigInt(shift)) - 1n);
  return {
    maps,
    backend,
    event,
    ready: hooks.ready,
    attach: async (shift = 0, opened) => {
      if (!hooks.attached()) {
        maps.clear("cur");
        gate(CLOSED);
        await attachWhenFree(hooks);
        await sleep(SETTLE_MS);
      }
      opened?.();
      time(shift);
    },
    time,
    detach: async (closed) => {
      if (!hooks.attached()) return;
      gate(CLOSED);
      closed?.();
      await sleep(SETTLE_MS);
      hooks.detach();
    },
    attached: hooks.attached,
    cost: async (wait) => {
      const statistics = enableBpfStatistics();
      try {
        const before = hooks.spent();
        const started = performance.now();
        await wait();
        const after = hooks.spent();
        const ns =
          after.runTimeNs - before.runTimeNs + (after.events - before.events) * event.besidesNs;
        return ns / ((performance.now() - started) * 1e6);
      } finally {
        close(statistics);
      }
    },
    missed: hooks.missed,
    close: async () => {
      maps.close();
      await hooks.close();
    },
  };
}

/**
 * A program stays at its event for as long as anybody holds the descriptor that it was attached by, and whoever asks at that
 * moment which programs there are (BPF_TASK_FD_QUERY, as bridgescope and bpftool do) holds it a little longer than we do.
 */
async function attachWhenFree(hooks: Hooks): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      hooks.attach();
      return;
    } catch (error) {
      const held = error instanceof SystemCallError && error.code === "EEXIST";
      if (!held || tries === HELD_TRIES) throw error;
      await sleep(HELD_MS);
    }
  }
}
