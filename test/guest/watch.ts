import type { Tally } from "../../src/watch/tally.ts";

/** What probes a path has on it. */
export const SIDES = ["none", "fentry", "kprobe", "tracepoint"] as const;
export type Side = (typeof SIDES)[number];

/** What the script in the guest prints, as JSON. */
export interface WatchReport {
  /** Instructions per frame, with the probes of `watch` on its way. */
  veth: Record<Side, number>;
  forward: Record<Side, number>;
  /** What each backend counted of the same frames, by port; all of them were attached at once. */
  counted: Record<Exclude<Side, "none">, Record<string, Omit<Tally, "latency">>>;
  /** What fentry saw teach an address that was followed: by which port it came, and where it was before. */
  lessons: {
    port: string | undefined;
    protocol: string;
    destination: string | null;
    isFirst: boolean | undefined;
    before: string | null | undefined;
  }[];
  /** Frames and their copies as `explain` found them, by backend. */
  explained: Record<
    Exclude<Side, "none">,
    { kind: string; cause: string; frames: number; copies: number }[]
  >;
}
