import { openLearning } from "../load/learning.ts";
import { BURST } from "../load/send.ts";
import type { NumberParameter } from "./parameters.ts";
import { forwardingResult } from "./raw.ts";
import { FRAME } from "./raw-parameters.ts";
import type { Workload } from "./workload.ts";

/** New source addresses a round. */
const ADDRESSES = {
  name: "addresses",
  default: 8192,
  min: 1,
  // Every frame is built before the round: memory is the bound here, not the FDB.
  max: () => 1 << 16,
} satisfies NumberParameter;

export const learn: Workload = {
  name: "learn",
  summary: `frames from ${ADDRESSES.default} new source addresses to a known address, whatever --duration says; the FDB is flushed between rounds`,
  topologies: ["bridge"],
  stages: ["bridge.learn"],
  bypassesQdisc: true,
  keepsEachRtt: false,
  minimumRoundNs: 10e6,
  sampleOneIn: 16,
  parameters: [FRAME, ADDRESSES],
  prepare: async ({ lab, cpus, options, signal }) => {
    const { frameSize = FRAME.default, addresses = ADDRESSES.default } = options;
    const learning = openLearning(lab, { frameSize, cpu: cpus[0] ?? 0, signal });
    return {
      describe: () => ({ name: "learn", frameSize, addresses, engine: "sendmmsg" }),
      placement: () => learning.placement,
      round: async () => {
        await learning.forget();
        const { passage, learned } = await learning.teach(addresses);
        const result = forwardingResult(passage, undefined);
        const learning_rate = (learned / passage.elapsedNs) * 1e9;
        const filling = passage.trainNsPerFrame.map((nsPerFrame, train) => ({
          entries: train * BURST,
          nsPerFrame,
        }));
        return { ...result, learning: filling, metrics: { ...result.metrics, learning_rate } };
      },
      close: learning.close,
    };
  },
};
