import type { BackendName } from "../../src/probes/backend.ts";

/** What the script in the guest is asked for, as its only argument. */
export interface LostRequest {
  backends: readonly BackendName[];
}

/** By backend, `a > 02:…` for what a host sends to an address; ports by their names. */
export type LostReport = Record<string, Record<string, LostFlow>>;

export interface LostFlow {
  /** Null where it was not counted. */
  came: [frames: number, copies: number] | null;
  lost: { frames: number; at: string; behind: boolean; longest: number; hasReason: boolean }[];
}

/** Frames of each flow. */
export const SENT = 20;
/** The bridge keeps it to itself: 802.1X. */
export const LINK_LOCAL = "01:80:c2:00:00:03";
