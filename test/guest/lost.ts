import type { BackendName } from "../../src/probes/backend.ts";

/** What the script in the guest is asked for, as its only argument. */
export interface LostRequest {
  backends: readonly BackendName[];
}

/** By backend, `a > b` for a flow between hosts; ports by their names. */
export type LostReport = Record<string, Record<string, LostFlow>>;

export interface LostFlow {
  /** Frames and copies of known unicast. */
  known: [frames: number, copies: number] | null;
  lost: { frames: number; at: string; behind: boolean; longest: number; hasReason: boolean }[];
}

/** Frames of each flow. */
export const SENT = 20;
