/**
 * The exact proof of net stages: where the clock counts instructions, a hop of a chain of bridges costs as much by its
 * stages, net of their probes, as it costs frames that nobody watches; and it makes no difference how the probes attach.
 */
import { describe, expect, test } from "vitest";
import { chainClosure, HOP_STAGES, type HopStage } from "../../src/stats/chain.ts";
import { countedEstimate } from "../../src/stats/counted.ts";
import { FULL } from "../full.ts";
import { cannot } from "../skipped.ts";
import type { ChainReport, ChainRequest } from "./chain.ts";
import { inGuest, judgedOn, KERNELS, say, WITHOUT_FENTRY, whyNoGuests } from "./guest.ts";

/** What the two may differ by: 3 %. */
const MARGIN = 0.03;
/** A look-up in whose bucket another address lies takes some 50 instructions more: the mode is of those without. */
const BRIDGES = 8;
const NOTHING: ChainRequest = {
  ...{ chains: [], labs: 4, hops: [], emptyPaths: [] },
  watched: { bridges: BRIDGES, labs: 2 },
};

const lacking = await whyNoGuests(KERNELS);
const without = cannot("the exact proof of net stages", lacking);

describe.skipIf(without).for(KERNELS)("%s", (kernel) => {
  const backends =
    kernel === WITHOUT_FENTRY ? (["kprobe"] as const) : (["fentry", "kprobe"] as const);
  const ask = (request: Partial<ChainRequest>) =>
    inGuest<ChainReport>(kernel, "chain-main", { ...NOTHING, ...request }, "icount");

  test("a hop's net stages are what it costs unobserved, by whatever probes", async ({ skip }) => {
    const { unobserved, hops } = await ask({ chains: [2, BRIDGES], hops: backends });
    const nets = hops.map(({ backend, stages }) => ({ backend, net: netOf(stages) }));
    const closures = nets.map(({ backend, net }) => {
      const closure = chainClosure(unobserved, net) ?? expect.fail("no slope");
      say(`${kernel}, ${backend}: ${JSON.stringify({ ...net, ...closure })}`);
      return { backend, closure };
    });
    judgedOn(kernel, skip, () => {
      expect(nets.map(({ backend }) => backend)).toEqual(backends);
      for (const { backend, closure } of closures) expectNear(closure.ratio, backend);
      const [one, other = one] = nets;
      for (const stage of HOP_STAGES) {
        expectNear((one?.net[stage] ?? Number.NaN) / (other?.net[stage] ?? Number.NaN), stage);
      }
    });
  });

  test("an empty path one function longer reads more by one function", FULL, async ({ skip }) => {
    const { emptyPaths } = await ask({ emptyPaths: backends });
    judgedOn(kernel, skip, () => {
      expect(emptyPaths).toHaveLength(backends.length);
      for (const { backend, usual, longer } of emptyPaths) {
        say(`${kernel}, ${backend}: ${longer - usual} instructions more`);
        // What EMPTY_PATH of src/probes/counted.ts says of the usual one.
        expect(Math.abs(longer - usual - 9), backend).toBeLessThanOrEqual(3);
      }
    });
  });
});

function expectNear(ratio: number, what: string): void {
  expect(Math.abs(Math.log(ratio)), what).toBeLessThan(Math.log(1 + MARGIN));
}

/** Of each stage the mode over labs of eight bridges each, in instructions. */
function netOf(stages: ChainReport["hops"][number]["stages"]): Record<HopStage, number> {
  const modeOf = (stage: HopStage) => {
    const { perRound, degraded, lost } = stages[stage];
    expect({ degraded, lost }).toEqual({ degraded: [], lost: 0 });
    return countedEstimate(perRound.map(({ value }) => ({ value, boot: 0 }))).value;
  };
  return { "bridge.forward": modeOf("bridge.forward"), "veth.out": modeOf("veth.out") };
}
