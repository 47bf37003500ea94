/** The probes of `watch`: attached once for all bridges, counting only while they are told to. */
import { type ByHand, parseByHand } from "../live/by-hand.ts";
import { attachLive } from "../live/program.ts";
import { fdbEntries, portEntries } from "../live/program-keys.ts";
import type { BridgeState, FdbEntry } from "../live/state.ts";
import type { ProbeBackend } from "../probes/backend.ts";
import { WATCH } from "../probes/programs.ts";
import { probeMisses, probeRunTimeNs } from "../probes/statistics.ts";
import { close, enableBpfStatistics } from "../system/libc.ts";
import { macInteger } from "../text/mac-address.ts";
import { type Reading, readMaps } from "./tally.ts";

/** A bridge, and what watch.bt calls it: from 1 to 8. */
export interface Target {
  number: number;
  state: BridgeState;
}

/** Most bridges that one program can tell apart. */
export const MOST_TARGETS = 8;

export interface WatchProbes {
  /** Looks at these devices and no others. */
  aim(targets: readonly Target[]): void;
  /** Puts entries into the program's FDB; with `newer`, in place of what is there. */
  entries(target: number, entries: Iterable<FdbEntry>, newer: boolean): void;
  /** Counts, and times one passage in 2^shift. */
  count(shift: number): void;
  rest(): void;
  counting(): boolean;
  read(): Reading;
  /** Share of one CPU that the probes take while `wait` runs. */
  cost(wait: () => Promise<void>): Promise<number>;
  /** Events that did not reach us and frames that the probes missed, since they were attached. */
  lost(): number;
  /** A sentence for each map that can take no more. */
  full(): string[];
  /** Why they ended without being asked to; null while they have not. */
  died(): string | null;
  stop(): Promise<void>;
}

/** Attaches the probes, which rest; nothing of them stays after `stop`, nor after our own end. */
export async function attachWatch(
  backend: ProbeBackend,
  onAct: (act: ByHand) => void,
  signal?: AbortSignal,
): Promise<WatchProbes> {
  const { session, maps, close: detach } = await attachLive(WATCH, backend, signal);
  const { pid } = session.child;
  session.onLine((line) => {
    const act = parseByHand(line);
    if (act !== null) onAct(act);
  });
  let counting = false;
  let ended = false;
  void session.child.ended.then(() => {
    ended = true;
  });
  let aimed = new Set<bigint>();
  return {
    aim: (targets) => {
      const devices = targets.flatMap(({ number, state }) => portEntries(number, state));
      const now = new Set(devices.flatMap(([key]) => key));
      const gone = [...aimed].filter((key) => !now.has(key));
      maps.set("ports", [...gone.map((key) => [[key], 0n] as const), ...devices]);
      maps.set(
        "mac",
        targets.map(({ number, state }) => [[BigInt(number)], macInteger(state.address)]),
      );
      aimed = now;
    },
    entries: (target, entries, newer) => {
      const write = newer ? maps.set : maps.add;
      write("fdb", fdbEntries(target, entries));
    },
    count: (shift) => {
      session.round(shift + 1);
      counting = true;
    },
    rest: () => {
      session.round(0);
      counting = false;
    },
    counting: () => counting,
    read: () => readMaps(maps),
    cost: async (wait) => {
      const statistics = enableBpfStatistics();
      try {
        const before = probeRunTimeNs(pid);
        const started = performance.now();
        await wait();
        return (probeRunTimeNs(pid) - before) / ((performance.now() - started) * 1e6);
      } finally {
        close(statistics);
      }
    },
    lost: () => session.lost() + probeMisses(pid),
    full: () => maps.full(["n", "lat", "fdb"]),
    died: () => (ended ? session.child.complaints() || "bpftrace ended" : null),
    stop: detach,
  };
}
