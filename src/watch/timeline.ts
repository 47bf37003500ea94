/** What became of FDB entries, told from rtnetlink's notices, from who was seen asking, and from the frames that taught. */

import { entryOf } from "../bridge/fdb.ts";
import type { FdbEntry } from "../bridge/state.ts";
import type { FdbEvent } from "../document/watch.ts";
import type { ByHand } from "../live/by-hand.ts";
import type { NeighbourMessage } from "../system/neighbours.ts";
import type { Lesson } from "./taught.ts";

interface Bridge {
  name: string;
  ifindex: number;
  ageingMs: number;
  /** Name of a port by ifindex. */
  portName(ifindex: number): string;
}

export interface Change {
  key: string;
  deleted: boolean;
  /** It is none that the bridge learned. */
  set: boolean;
}

export interface Timeline {
  /** Notices that came at `at`, in milliseconds since the epoch; what they changed. */
  notices(messages: readonly NeighbourMessage[], at: number): Change[];
  byHand(act: ByHand): void;
  taught(lesson: Lesson): void;
  /** Entries as they are now. */
  entries(): ReadonlyMap<string, FdbEntry>;
  /** Events before `until`, each once; what asked for a later one may still be told. */
  take(until: number): FdbEvent[];
  /** Starts again from a reading, after notices were lost. */
  reset(entries: readonly FdbEntry[]): void;
}

/** Between a notice and the probes' word of who asked for it, or of the frame that taught. */
const NEAR_MS = 1000;
/** The kernel's timer and the clock of the notice, in hundredths of a second. */
const AGE_SLACK_MS = 20;
const KERNEL = "kernel";

function keyOf({ address, vlan }: Pick<FdbEntry, "address" | "vlan">): string {
  return `${address} ${vlan}`;
}

/** An event that is not told yet, and when its notice came. */
interface Pending {
  event: FdbEvent;
  at: number;
  /** Ifindexes. */
  port: number;
  from: number | null;
}

/**
 * An address that comes to another port than it was heard at last. One that is learned anew where it was before, as after
 * ageing, has not moved; one that moved before has, whatever else taught the bridge of it since.
 */
function migrationOf(
  { port, heard }: Lesson,
  from: number | null,
  portName: (ifindex: number) => string,
): FdbEvent["migration"] {
  if (heard === null) return null;
  const { before, firstAt, isFirst } = heard;
  const known = before !== null && (from === null ? isFirst : before.port === from);
  const old = known ? before.port : from;
  if (old === null || old === port) return null;
  return {
    ...{ from: portName(old), to: portName(port) },
    lastFrom: known ? new Date(before.lastAt).toISOString() : null,
    firstTo: new Date(firstAt).toISOString(),
    gapSeconds: known ? Math.round((firstAt - before.lastAt) * 1e3) / 1e6 : null,
  };
}

/** `bridge()` is asked anew each time: its ports and its ageing time may change. */
export function createTimeline(bridge: () => Bridge, first: readonly FdbEntry[]): Timeline {
  const entries = new Map<string, FdbEntry>();
  const pending: Pending[] = [];
  let acts: ByHand[] = [];
  let lessons: Lesson[] = [];

  const reset = (known: readonly FdbEntry[]) => {
    entries.clear();
    for (const entry of known) entries.set(keyOf(entry), entry);
  };
  reset(first);

  const say = (
    event: FdbEvent["event"],
    entry: FdbEntry,
    from: number | null,
    at: number,
  ): void => {
    const { portName } = bridge();
    pending.push({
      ...{ at, port: entry.port, from },
      event: {
        time: new Date(at).toISOString(),
        event,
        address: entry.address,
        vlan: entry.vlan,
        port: portName(entry.port),
        from: from === null ? null : portName(from),
        ...{ by: KERNEL, taught: null, migration: null },
      },
    });
  };

  const notice = (message: NeighbourMessage, at: number): Change[] => {
    const { ifindex, ageingMs } = bridge();
    const { family, master, address } = message;
    if (family !== "fdb" || master !== ifindex || address === null) return [];
    const key = keyOf({ address, vlan: message.vlan });
    const known = entries.get(key);
    const entry = entryOf(message);
    const change = { key, deleted: message.deleted, set: entry.local || entry.static };
    if (message.deleted) {
      entries.delete(key);
      const idleMs = (message.updated ?? 0) * 10;
      const aged = !change.set && ageingMs > 0 && idleMs >= ageingMs - AGE_SLACK_MS;
      say(aged ? "aged" : "flushed", known ?? entry, null, at);
      return [change];
    }
    entries.set(key, entry);
    if (known === undefined) {
      say(change.set ? "added" : "learned", entry, null, at);
    } else if (known.port !== entry.port) {
      say("moved", entry, known.port, at);
    } else if ((entry.static && !known.static) || (entry.local && !known.local)) {
      say("added", entry, null, at);
    }
    return [change];
  };

  const attribute = ({ event, at }: Pending): FdbEvent => {
    const kind =
      event.event === "flushed" ? "deleted" : event.event === "aged" ? null : ("added" as const);
    if (kind === null) return event;
    const act = acts.find(
      (one) =>
        one.kind === kind &&
        one.address === event.address &&
        one.vlan === event.vlan &&
        Math.abs(one.at - at) <= NEAR_MS &&
        one.device === (kind === "deleted" ? bridge().name : event.port),
    );
    return act === undefined ? event : { ...event, event: act.kind, by: act.by };
  };

  const withLesson = ({ event, at, port, from }: Pending): FdbEvent => {
    if (event.event !== "learned" && event.event !== "moved") return event;
    const lesson = lessons.find(
      (one) =>
        one.address === event.address &&
        one.vlan === event.vlan &&
        one.port === port &&
        Math.abs(one.at - at) <= NEAR_MS,
    );
    if (lesson === undefined) return event;
    lessons.splice(lessons.indexOf(lesson), 1);
    const migration = migrationOf(lesson, from, bridge().portName);
    return { ...event, taught: lesson.taught, migration };
  };

  return {
    notices: (messages, at) => messages.flatMap((message) => notice(message, at)),
    byHand: (act) => acts.push(act),
    taught: (lesson) => lessons.push(lesson),
    entries: () => entries,
    take: (until) => {
      const ready = pending.filter(({ at }) => at <= until);
      pending.splice(0, ready.length);
      const told = ready.map((one) => attribute({ ...one, event: withLesson(one) }));
      acts = acts.filter((act) => act.at > until - NEAR_MS);
      lessons = lessons.filter((lesson) => lesson.at > until - NEAR_MS);
      return told;
    },
    reset,
  };
}
