import { Failure } from "../lib/failure.mjs";

/** Median round trip in nanoseconds from `sockperf pp --full-rtt`, which prints microseconds. */
export function sockperfMedianNs(text) {
  // Without --full-rtt the same lines hold half of a round trip.
  if (!/Summary: Round trip is/.test(text)) {
    throw new Failure(`sockperf printed no full round trips: ${tail(text)}`);
  }
  const found = /percentile 50\.0*\s*=\s*([\d.]+)/.exec(text);
  if (found === null) throw new Failure(`sockperf printed no 50th percentile: ${tail(text)}`);
  return Number(found[1]) * 1000;
}

/** Median round trip in nanoseconds from `netperf -k P50_LATENCY`, which prints whole microseconds. */
export function netperfMedianNs(text) {
  const found = /^P50_LATENCY=(\d+)/m.exec(text);
  if (found === null) throw new Failure(`netperf printed no P50_LATENCY: ${tail(text)}`);
  return Number(found[1]) * 1000;
}

/** The line with which `mn` begins to take its network down again. */
export const MININET_STOPS = "*** Stopping";

/** Seconds that `mn --test none` says it took, building and taking down. */
export function mininetSeconds(text) {
  const found = /^completed in ([\d.]+) seconds$/m.exec(text);
  if (found === null) throw new Failure(`mn did not say that it completed: ${tail(text)}`);
  return Number(found[1]);
}

/** A trafgen configuration: one frame, sent on one CPU. */
export function trafgenFrame(frame, cpu) {
  const bytes = Array.from(frame, (byte) => `0x${byte.toString(16).padStart(2, "0")}`);
  return `cpu(${cpu}): { ${bytes.join(", ")}, }\n`;
}

/** The first line of what a tool says of its version. */
export function versionLine(text) {
  return text.trim().split("\n")[0]?.trim() ?? "";
}

function tail(text) {
  return JSON.stringify(text.trim().slice(-200));
}
