/** What the records of a while say together. */
import type { FdbEvent, WatchRecord } from "../../document/watch.ts";
import { count, duration } from "../../text/units.ts";

/** Values of p99 that are kept of a port. */
const HISTORY = 30;

export interface Story {
  /** The latest of each bridge, by `idOf`. */
  latest: Map<string, WatchRecord>;
  /** By bridge and port. */
  history: Map<string, number[]>;
  events: (FdbEvent & { bridge: string })[];
  /** Frames in and copies, of all bridges. */
  ingress: number;
  copies: number;
}

/** FDB events that are kept. */
const EVENTS = 200;
/** A bridge of which nothing comes for longer is gone. */
const LEAST_SILENCE_MS = 5000;

export function newStory(): Story {
  return { latest: new Map(), history: new Map(), events: [], ingress: 0, copies: 0 };
}

export function idOf({ bridge }: WatchRecord): string {
  return `${bridge.namespace.inode} ${bridge.ifindex}`;
}

/** Takes a record into the story; whatever was of ports that are gone is forgotten. */
export function tell(story: Story, record: WatchRecord): void {
  const id = idOf(record);
  story.latest.set(id, record);
  const old = Date.parse(record.time) - Math.max(LEAST_SILENCE_MS, 3000 * record.seconds);
  for (const [other, { time }] of story.latest) {
    if (Date.parse(time) < old) story.latest.delete(other);
  }
  for (const port of record.ports) {
    const p99 = (port.latency["bridge.flood"] ?? port.latency["bridge.forward"])?.p99;
    const key = `${id} ${port.ifindex}`;
    const known = story.history.get(key) ?? [];
    if (p99 !== undefined) story.history.set(key, [...known, p99].slice(-HISTORY));
    story.ingress += port.counters.rx;
    story.copies += port.copies ?? 0;
  }
  const ports = new Set(record.ports.map(({ ifindex }) => `${id} ${ifindex}`));
  for (const key of story.history.keys()) {
    if (key.startsWith(`${id} `) && !ports.has(key)) story.history.delete(key);
  }
  const events = record.fdb.events.map((event) => ({ ...event, bridge: record.bridge.name }));
  story.events = [...story.events, ...events].slice(-EVENTS);
}

/** What was watched, in one line, for when the screen is gone. */
export function farewell(story: Story, seconds: number): string {
  return `watched for ${duration(seconds * 1e9)}: ${count(story.ingress)} frames in, ${count(story.copies)} copies counted`;
}
