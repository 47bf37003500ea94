import { FORWARDED } from "../../probes/counted.ts";
import { highestCount, highestPassing, trialsFor } from "../../stats/search.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { type Learning, openLearning } from "../load/learning.ts";
import type { NumberParameter } from "./parameters.ts";
import { FRAME } from "./raw-parameters.ts";
import type { RoundResult, Trial, Workload } from "./workload.ts";

/** RFC 2889, 5.7.2: a set to begin with that any device holds. */
const FIRST = 64;
/** Of the rate that is found. */
const RESOLUTION = 0.05;
/** The two hosts themselves are in the FDB as well. */
const HOSTS = 2;

/** The most addresses to try. */
const CACHED = {
  name: "addresses",
  default: 16_384,
  min: FIRST,
  // 2^22 made-up addresses there are (mac.ts), and two sets never share one.
  max: () => 1 << 19,
} satisfies NumberParameter;

/** Addresses to teach in each trial. */
const TAUGHT = { ...CACHED, default: 4096, min: 1 } satisfies NumberParameter;

export const addressCaching = addressSearch({
  name: "address-caching",
  summary:
    "the most addresses that the FDB holds without flooding or loss, however it is bounded (RFC 2889, 5.7)",
  addresses: CACHED,
  trials: Math.ceil(Math.log2(CACHED.default / FIRST)),
  search: async (trial, most) => {
    const { value, bounded } = await highestCount(FIRST, most, async (addresses) => {
      const { passed } = await trial(addresses, undefined);
      return passed;
    });
    if (value === 0) {
      throw new BridgescopeError("not one address could be learned: is learning off on a port?");
    }
    const unbounded = `no limit of the FDB up to ${most} addresses; --addresses tries more`;
    return {
      metrics: { address_capacity: value + HOSTS },
      warnings: bounded ? [] : [unbounded],
    };
  },
});

export const addressLearning = addressSearch({
  name: "address-learning",
  summary:
    "the highest rate of new addresses at which not one is flooded to afterwards (RFC 2889, 5.8)",
  addresses: TAUGHT,
  trials: trialsFor(RESOLUTION),
  search: async (trial, addresses) => {
    const most = await trial(addresses, undefined);
    let best = 0;
    const { bounded } = await highestPassing(most.rate, RESOLUTION, async (rate) => {
      const { passed, rate: reached } = rate === most.rate ? most : await trial(addresses, rate);
      if (passed) best = Math.max(best, reached);
      return passed;
    });
    const unbounded =
      "every address was learned at the highest rate that the sender could offer: it shares the CPU with the bridge's path, which bounds both";
    return { metrics: { learning_rate: best }, warnings: bounded ? [] : [unbounded] };
  },
});

interface Outcome {
  /** Addresses a second. */
  rate: number;
  /** Nothing was flooded or lost. */
  passed: boolean;
}

interface AddressSearch {
  name: string;
  summary: string;
  addresses: NumberParameter & { default: number };
  trials: number;
  /** A trial teaches so many addresses, at a rate a second or as fast as possible, and asks for each. */
  search(
    trial: (addresses: number, rate: number | undefined) => Promise<Outcome>,
    addresses: number,
  ): Promise<{ metrics: RoundResult["metrics"]; warnings: string[] }>;
}

function addressSearch({ name, summary, addresses, trials, search }: AddressSearch): Workload {
  return {
    name,
    summary,
    topologies: ["bridge"],
    stages: FORWARDED,
    leastHosts: 3,
    bypassesQdisc: true,
    keepsEachRtt: false,
    minimumRoundNs: 10e6,
    trialsPerRound: trials,
    sampleOneIn: 16,
    parameters: [FRAME, addresses],
    prepare: async ({ lab, cpus, options, signal }) => {
      const { frameSize = FRAME.default, addresses: most = addresses.default } = options;
      const learning = openLearning(lab, { frameSize, cpu: cpus[0] ?? 0, signal });
      return {
        describe: () => ({ name, frameSize, addresses: most, engine: "sendmmsg" }),
        placement: () => learning.placement,
        round: async () => {
          const trials: Trial[] = [];
          const cpu = { userNs: 0, systemNs: 0 };
          const trial = async (count: number, rate: number | undefined) => {
            signal.throwIfAborted();
            const tried = await taughtAndAsked(learning, count, rate);
            trials.push(tried.trial);
            cpu.userNs += tried.cpu.userNs;
            cpu.systemNs += tried.cpu.systemNs;
            return tried.outcome;
          };
          return { ...(await search(trial, most)), cpu, trials };
        },
        close: learning.close,
      };
    },
  };
}

async function taughtAndAsked(learning: Learning, addresses: number, rate: number | undefined) {
  await learning.forget();
  const { passage } = await learning.teach(addresses, rate);
  const { sent, flooded, received } = await learning.recall();
  const perSecond = (addresses / passage.elapsedNs) * 1e9;
  const passed = flooded === 0 && received === sent;
  const trial: Trial = {
    offered: rate === undefined ? addresses : perSecond,
    delivered: received,
    unit: rate === undefined ? "addresses" : "addresses/s",
    loss: 1 - received / sent,
    flooded,
    passed,
  };
  return { trial, outcome: { rate: perSecond, passed }, cpu: passage.cpu };
}
