import type { MetricName } from "../../document/run.ts";
import { ToolError } from "../../system/errors.ts";
import { PATTERNS, type Pattern } from "../load/patterns.ts";
import { openTraffic, type Passage } from "../load/traffic.ts";
import type { NumberParameter } from "./parameters.ts";
import { describeWay, FRAME, FRAME_RATE } from "./raw-parameters.ts";
import type { Driver, RoundResult, Workload } from "./workload.ts";

/** One workload for each pattern of raw frames. */
export const RAW_WORKLOADS: readonly Workload[] = PATTERNS.map(rawWorkload);

function rawWorkload(pattern: Pattern): Workload {
  return {
    name: pattern.name,
    summary: pattern.summary,
    topologies: pattern.topologies,
    stages: pattern.stages,
    heardByHost: pattern.targets(2, 0).includes("everybody"),
    bypassesQdisc: true,
    keepsEachRtt: false,
    minimumRoundNs: 10e6,
    sampleOneIn: 16,
    parameters: [FRAME, sendersOf(pattern), FRAME_RATE],
    prepare: async ({ lab, cpus, options, signal }) => {
      const { frameSize = FRAME.default, senders = 1, rate } = options;
      const traffic = openTraffic(lab, { pattern, frameSize, senders, cpus });
      return {
        describe: () => ({
          name: pattern.name,
          frameSize,
          burst: traffic.burst,
          senders,
          engine: "sendmmsg",
          ...describeWay(lab),
          ...(rate === undefined ? {} : { rate }),
        }),
        placement: () => traffic.placement,
        round: async (durationNs) =>
          forwardingResult(await traffic.send({ durationNs, rate }, signal), rate),
        close: traffic.close,
      } satisfies Driver;
    },
  };
}

function sendersOf({ mostSenders }: Pattern): NumberParameter {
  return {
    name: "senders",
    default: 1,
    min: 1,
    max: ({ bridge, hosts }) => (bridge === null ? 1 : mostSenders(hosts.length)),
  };
}

/** A rate that was reached to less than this share was not reached. */
const REACHED = 0.99;

/** The metrics of a round of raw frames; `rate` is what was asked for, in frames a second. */
export function forwardingResult(passage: Passage, rate: number | undefined): RoundResult {
  const { frames, elapsedNs, cpuNs, cpu, ksoftirqdNs, trainNsPerFrame, wanted, received, stray } =
    passage;
  if (frames === 0)
    throw new ToolError("sendmmsg", "the kernel took none of the frames in this round");
  const perSecond = (count: number) => (count / elapsedNs) * 1e9;
  const metrics: Partial<Record<MetricName, number>> = {
    // At a fixed rate the sender spins until the next frame is due.
    ...(rate === undefined ? { ns_per_frame: cpuNs / frames } : {}),
    frame_rate: perSecond(frames),
    copy_rate: perSecond(received),
    frame_loss: 1 - received / wanted,
  };
  const warnings: string[] = [];
  if (rate !== undefined && perSecond(frames) < rate * REACHED) {
    warnings.push(
      `the rate of ${rate} frames/s was not reached: the senders and the bridge's path, on the same CPUs, came to fewer`,
    );
  }
  if (stray > 0) warnings.push("frames reached hosts that they were not for: the bridge flooded");
  return { metrics, cpu, ksoftirqdNs, trainNsPerFrame, warnings };
}
