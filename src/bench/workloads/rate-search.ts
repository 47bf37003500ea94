import { FORWARDED } from "../../probes/counted.ts";
import { highestPassing, trialsFor } from "../../stats/search.ts";
import { FULLY_MESHED, ONE_TO_ONE, PATTERNS, type Pattern } from "../load/patterns.ts";
import { openTraffic, type Passage, type Traffic } from "../load/traffic.ts";
import type { NumberParameter, WordParameter, WorkloadOptions } from "./parameters.ts";
import { forwardingResult } from "./raw.ts";
import { describeWay, FRAME } from "./raw-parameters.ts";
import type { RoundResult, Trial, Workload } from "./workload.ts";

/** Of the rate that is found: RFC 2544 leaves the step to the tester. */
const RESOLUTION = 0.01;
/** Offered loads of the search for the maximum forwarding rate, as shares of the maximum offered load. */
const LOADS = [0.5, 0.6, 0.7, 0.8, 0.9];

const PATTERN = {
  name: "pattern",
  default: ONE_TO_ONE.name,
  choices: PATTERNS.map(({ name }) => name),
} satisfies WordParameter;

/** Up to as many as any pattern takes: the pattern decides again when it is known. */
const SENDERS = {
  name: "senders",
  default: 1,
  min: 1,
  max: ({ bridge, hosts }) => (bridge === null ? 1 : FULLY_MESHED.mostSenders(hosts.length)),
} satisfies NumberParameter;

export const throughput = rateSearch({
  name: "throughput",
  summary:
    "the highest rate of raw frames without loss, by binary search (RFC 2544, 26.1; RFC 2889, 5.1 with --pattern fully-meshed)",
  trials: trialsFor(RESOLUTION),
  search: async (most, trial) => {
    let best = 0;
    const { bounded } = await highestPassing(most.offered, RESOLUTION, async (rate) => {
      const { lost, delivered } = rate === most.offered ? most : await trial(rate);
      if (lost === 0) best = Math.max(best, delivered);
      return lost === 0;
    });
    const unbounded =
      "no loss at the highest rate that the senders could offer: they share the CPUs with the bridge's path, which bounds both";
    return { metrics: { throughput_rate: best }, warnings: bounded ? [] : [unbounded] };
  },
});

export const maxForwarding = rateSearch({
  name: "max-forwarding-rate",
  summary:
    "the highest rate at which frames come through, whatever is lost, over rising offered loads (RFC 2889, 5.6)",
  trials: 1 + LOADS.length,
  search: async (most, trial) => {
    let best = most.delivered;
    for (const share of LOADS) best = Math.max(best, (await trial(share * most.offered)).delivered);
    return { metrics: { max_forwarding_rate: best }, warnings: [] };
  },
});

interface Outcome {
  /** Frames a second: sent, and received by those that they were for. */
  offered: number;
  delivered: number;
  /** Frames. */
  lost: number;
}

interface RateSearch {
  name: string;
  summary: string;
  trials: number;
  /** `most` is what came of sending as fast as possible; a trial is at a rate in frames a second. */
  search(
    most: Outcome,
    trial: (rate: number) => Promise<Outcome>,
  ): Promise<{ metrics: RoundResult["metrics"]; warnings: string[] }>;
}

function rateSearch({ name, summary, trials, search }: RateSearch): Workload {
  return {
    name,
    summary,
    topologies: ["veth", "bridge", "chain", "external", "attach"],
    stages: FORWARDED,
    bypassesQdisc: true,
    keepsEachRtt: false,
    minimumRoundNs: 10e6,
    trialsPerRound: trials,
    sampleOneIn: 16,
    parameters: [FRAME, SENDERS, PATTERN],
    unfit: (options, { kind }) => {
      const pattern = patternOf(options);
      if (pattern.topologies.includes(kind)) return null;
      return `pattern ${pattern.name} does not run on ${kind}, only on ${pattern.topologies.join(", ")}`;
    },
    prepare: async ({ lab, cpus, options, signal }) => {
      const { frameSize = FRAME.default, senders = 1, pattern: wanted = PATTERN.default } = options;
      const pattern = patternOf(options);
      const traffic = openTraffic(lab, { pattern, frameSize, senders, cpus });
      return {
        describe: () => ({
          name,
          frameSize,
          senders,
          pattern: wanted,
          engine: "sendmmsg",
          ...describeWay(lab),
        }),
        placement: () => traffic.placement,
        round: (durationNs) => round(traffic, search, durationNs, signal),
        close: traffic.close,
      };
    },
  };
}

function patternOf({ pattern: wanted = PATTERN.default }: WorkloadOptions): Pattern {
  return PATTERNS.find((one) => one.name === wanted) ?? ONE_TO_ONE;
}

async function round(
  traffic: Traffic,
  search: RateSearch["search"],
  durationNs: number,
  signal: AbortSignal,
): Promise<RoundResult> {
  const trials: Trial[] = [];
  const send = async (rate: number | undefined) => {
    const passage = await traffic.send({ durationNs, rate }, signal);
    const outcome = outcomeOf(passage);
    trials.push({
      offered: outcome.offered,
      delivered: outcome.delivered,
      unit: "frames/s",
      loss: outcome.lost / passage.wanted,
      flooded: passage.stray,
      passed: outcome.lost === 0,
    });
    return { passage, outcome };
  };
  const first = await send(undefined);
  const most = forwardingResult(first.passage, undefined);
  const found = await search(first.outcome, async (rate) => (await send(rate)).outcome);
  return {
    ...most,
    metrics: { ...most.metrics, ...found.metrics },
    warnings: [...(most.warnings ?? []), ...found.warnings],
    trials,
  };
}

function outcomeOf({ frames, received, wanted, elapsedNs }: Passage): Outcome {
  const perSecond = (count: number) => (count / elapsedNs) * 1e9;
  return { offered: perSecond(frames), delivered: perSecond(received), lost: wanted - received };
}
