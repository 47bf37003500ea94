import { FORWARDED } from "../../probes/counted.ts";
import { withoutPrefix } from "../../setup/network.ts";
import { type Bucket, bucketQuantile, mergeBuckets } from "../../stats/histogram.ts";
import { type Child, finish, startChild } from "../../system/child.ts";
import { ToolError } from "../../system/errors.ts";
import { endpoints } from "./endpoints.ts";
import type { RoundResult, Workload, WorkloadContext } from "./workload.ts";

const PACE_NS = 10e6;
const CALIBRATION = 200;
/** With what came before, a ping that hangs is told within 10 s. */
const MARGIN_MS = 7_000;
/** ICMP echo of 56 bytes: 14 Ethernet + 20 IPv4 + 8 ICMP + 56. */
const FRAME_SIZE = 98;

export const ping: Workload = {
  name: "ping",
  summary: "ICMP echo from the first host to the second, one every 10 ms; every round trip is kept",
  topologies: ["netns", "veth", "bridge", "chain", "external", "attach"],
  stages: FORWARDED,
  bypassesQdisc: false,
  keepsEachRtt: true,
  minimumRoundNs: 100e6,
  sampleOneIn: 1,
  parameters: [],
  prepare: async (context) => pingDriver(context, "ping", () => PACE_NS),
};

export const pingFlood: Workload = {
  name: "ping-flood",
  summary:
    "ICMP echo from the first host to the second, the next as soon as the last is answered (ping -i 0)",
  topologies: ["netns", "veth", "bridge", "chain", "external", "attach"],
  stages: FORWARDED,
  bypassesQdisc: false,
  keepsEachRtt: false,
  minimumRoundNs: 50e6,
  sampleOneIn: 16,
  parameters: [],
  prepare: async (context) => {
    const began = process.hrtime.bigint();
    await runPing(context, "0", CALIBRATION, 0);
    const paceNs = Number(process.hrtime.bigint() - began) / CALIBRATION;
    let pace = Math.max(2e3, paceNs / 4);
    return pingDriver(
      context,
      "ping-flood",
      () => pace,
      (next) => {
        pace = next;
      },
    );
  },
};

async function pingDriver(
  context: WorkloadContext,
  name: string,
  paceNs: () => number,
  learnPace?: (paceNs: number) => void,
) {
  const interval = learnPace === undefined ? String(PACE_NS / 1e9) : "0";
  return {
    describe: () => ({
      name,
      frameSize: FRAME_SIZE,
      intervalNs: learnPace === undefined ? PACE_NS : 0,
    }),
    placement: () => [{ thread: "ping", cpus: context.cpus.slice(0, 1) }],
    round: async (durationNs: number): Promise<RoundResult> => {
      const count = Math.max(2, Math.round(durationNs / paceNs()));
      // The first guess of the pace is a quarter of what was seen.
      const result = await runPing(context, interval, count, (4 * durationNs) / 1e6);
      // ping sends the next echo when the last is answered: its own pace is the best guess for the next round.
      learnPace?.(Math.max(1e3, result.elapsedNs / count));
      return {
        metrics: {
          rtt_p50: bucketQuantile(result.buckets, 0.5),
          rtt_p99: bucketQuantile(result.buckets, 0.99),
          // A paced sender's rate is our own choice and says nothing.
          ...(learnPace === undefined
            ? {}
            : { frame_rate: (result.sent / result.elapsedNs) * 1e9 }),
          frame_loss: 1 - result.received / result.sent,
        },
        cpu: null,
        rttNs: result.rttNs,
        roundTrip: { buckets: result.buckets, from: "request sent", missedSlots: null },
      };
    },
    close: async () => {},
  };
}

interface PingResult {
  sent: number;
  received: number;
  elapsedNs: number;
  rttNs: number[];
  buckets: Bucket[];
}

async function runPing(
  context: WorkloadContext,
  interval: string,
  count: number,
  longestMs: number,
): Promise<PingResult> {
  const { from, to } = endpoints(context.lab);
  const args = ["-n", "-i", interval, "-c", String(count), "-W", "1", withoutPrefix(to.address)];
  const child: Child = startChild(context.lab.site, "ping", args, {
    namespace: context.lab.names.namespace(from.name),
    // One CPU, so that both ends of a stage are on it and every round finds the same.
    cpus: context.cpus.slice(0, 1),
  });
  let text = "";
  child.process.stdout?.on("data", (data) => {
    text += String(data);
  });
  const code = await finish(child, longestMs + MARGIN_MS, context.signal);
  const result = parsePing(text);
  if (result === null) {
    throw new ToolError(
      "ping",
      `ping ended with ${code} and no summary: ${child.complaints() || "it said nothing"}`,
    );
  }
  if (result.received === 0) {
    throw new ToolError(
      "ping",
      `ping had no answer to ${result.sent} echo requests from ${from.name} to ${to.name}`,
    );
  }
  return result;
}

/** Reads iputils' output; a time lies between what is printed and its last digit plus one. Null without a summary. */
export function parsePing(text: string): PingResult | null {
  const summary = /(\d+) packets transmitted, (\d+) received.* time (\d+)ms/.exec(text);
  if (summary === null) return null;
  const times = [...text.matchAll(/ time=(\d+(?:\.(\d+))?) ms/g)];
  const rttNs = times.map((match) => Math.round(Number(match[1]) * 1e6));
  // Three decimals below 1 ms, fewer above: the last digit printed is the bucket's width.
  const buckets = times.map((match, index): Bucket => {
    const lo = rttNs[index] ?? 0;
    return [lo, lo + 10 ** (6 - (match[2]?.length ?? 0)), 1];
  });
  return {
    sent: Number(summary[1]),
    received: Number(summary[2]),
    // ping rounds down to whole milliseconds.
    elapsedNs: Math.max(1, Number(summary[3])) * 1e6,
    rttNs,
    buckets: mergeBuckets(buckets),
  };
}
