/** Which of the frames seen at several hops are one: by what stays the same of them, and by the order of time. */
import type { Frame } from "./frame.ts";

/** A frame at a hop. */
export interface Sighting {
  hop: number;
  /** Nanoseconds since everything was listened to. */
  atNs: number;
  frame: Frame;
  ifindex: number;
}

/** A frame on its way. */
export interface Passage {
  /** As it was seen first. */
  frame: Frame;
  /** When it was at each hop; null where it was not seen. */
  times: (number | null)[];
  /** The device at which it was seen at each hop: that of an underlay is not known before. */
  ifindexes: number[];
  first: number;
  last: number;
}

/** The clock of one CPU may be so much behind another's. */
const SLACK_NS = 20_000;

/**
 * `sightings` in any order, of one direction. Of identical frames the one at a later hop is the latest that may have come
 * there by then. TCP data is followed by its bytes where segments are packed or cut on the way.
 */
export function passagesOf(sightings: readonly Sighting[], hops: number): Passage[] {
  const passages: Passage[] = [];
  const byKey = new Map<string, Passage[]>();
  const byStream = new Map<string, Passage[]>();
  for (let hop = 0; hop < hops; hop++) {
    const here = sightings.filter((one) => one.hop === hop).sort((a, b) => a.atNs - b.atNs);
    for (const { frame, atNs, ifindex } of here) {
      const known = latest(byKey.get(frame.key) ?? [], hop, atNs);
      if (known !== null) {
        arrive(known, hop, atNs, ifindex);
        continue;
      }
      const parts = partsOf(byStream, frame, hop, atNs);
      if (parts !== null) {
        for (const part of parts) if (part.times[hop] === null) arrive(part, hop, atNs, ifindex);
        continue;
      }
      // A device below or above another of the same hop has it as well.
      if ((byKey.get(frame.key) ?? []).some((one) => isTwin(one, hop, atNs, ifindex))) continue;
      const times = Array.from({ length: hops }, (_, at) => (at === hop ? atNs : null));
      const ifindexes = Array.from({ length: hops }, (_, at) => (at === hop ? ifindex : 0));
      const passage = { frame, times, ifindexes, first: hop, last: hop };
      passages.push(passage);
      push(byKey, frame.key, passage);
      if (frame.bytes !== null) push(byStream, frame.bytes.stream, passage);
    }
  }
  return passages;
}

function arrive(passage: Passage, hop: number, atNs: number, ifindex: number): void {
  passage.times[hop] = atNs;
  passage.ifindexes[hop] = ifindex;
  passage.last = Math.max(passage.last, hop);
}

/** The last of these that was before, and has not been here yet; null where there is none. */
function latest(passages: readonly Passage[], hop: number, atNs: number): Passage | null {
  for (let at = passages.length - 1; at >= 0; at--) {
    const passage = passages[at];
    if (passage === undefined || passage.first >= hop || passage.times[hop] !== null) continue;
    if ((passage.times[passage.last] ?? 0) <= atNs + SLACK_NS) return passage;
  }
  return null;
}

/** Nanoseconds within which one host hands a packet from device to device. */
const TWIN_NS = 1_000_000;

function isTwin(
  { times, ifindexes }: Passage,
  hop: number,
  atNs: number,
  ifindex: number,
): boolean {
  const there = times[hop];
  const near = typeof there === "number" && Math.abs(atNs - there) < TWIN_NS;
  return near && ifindexes[hop] !== ifindex;
}

/** What the bytes of this segment were before, as other segments; null where these were not seen. */
function partsOf(
  byStream: ReadonlyMap<string, Passage[]>,
  { bytes }: Frame,
  hop: number,
  atNs: number,
): Passage[] | null {
  if (bytes === null) return null;
  const size = (bytes.last - bytes.first) >>> 0;
  const found = (byStream.get(bytes.stream) ?? []).filter(({ frame, first, times, last }) => {
    if (first >= hop || frame.bytes === null) return false;
    if ((times[last] ?? 0) > atNs + SLACK_NS) return false;
    const theirs = (frame.bytes.last - frame.bytes.first) >>> 0;
    // Sequence numbers begin anew at 2^32.
    const begins = (frame.bytes.first - bytes.first) >>> 0;
    const begun = (bytes.first - frame.bytes.first) >>> 0;
    return begins <= size || begun <= theirs;
  });
  return found.length === 0 ? null : found;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
