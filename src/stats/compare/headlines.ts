import type { MetricName } from "../../document/case.ts";

/** What a regression is declared from: the cost and the rate of small frames on the bridge's own path. */
export const HEADLINES: readonly MetricName[] = ["ns_per_frame", "frame_rate"];

/** 1 % over all cases: of a hundred comparisons of a thing with itself one may find something, once. */
export const ALPHA = 0.01;

/** A share of a metric in nanoseconds a frame, where it is a time or a rate of frames. */
export function shareInNs(metric: string, value: number, share: number): number | null {
  if (metric === "ns_per_frame") return share * value;
  return metric === "frame_rate" ? (share * 1e9) / value : null;
}

/** Whether a verdict may be declared from that metric. */
export function isHeadline(metric: string): boolean {
  return HEADLINES.some((name) => name === metric);
}
