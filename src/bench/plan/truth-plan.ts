import type { Truth } from "../../document/truth.ts";
import { resolveTopology } from "../../setup/file.ts";
import { UsageError } from "../../system/errors.ts";
import { workloadNamed } from "../workloads/index.ts";
import { makePlan, type TruthPlan } from "./plan.ts";

const TURNS = 8;
const LEAST_TURNS = 2;
const MOST_TURNS = 99;
/** Short rounds: what drifts on the host is then the same for both sides. */
const ROUND_NS = 40e6;
const CHAIN = 8;
const PORTS = [3, 9] as const;
const RULES = [1, 100] as const;

type Row = Pick<Truth["rows"][number], "id" | "what" | "kind"> & {
  base: readonly [topology: string, workload: string];
  candidate: readonly [topology: string, workload: string];
  /** By how many of the thing the two differ. */
  steps: number;
  timed: TruthPlan["rows"][number]["timed"];
  stages: TruthPlan["rows"][number]["stages"];
};

const ROWS: readonly Row[] = [
  {
    ...{ id: "hop", kind: "equal", steps: CHAIN - 1, timed: "candidate" },
    stages: ["bridge.forward", "veth.out"],
    what: "one more bridge in a chain: CPU time per frame against bridge.forward and the veth leg of inner hops",
    base: ["chain:1", "forward"],
    candidate: [`chain:${CHAIN}`, "forward"],
  },
  {
    ...{ id: "bridge", kind: "equal", steps: 1, timed: "candidate" },
    stages: ["bridge.forward", "veth.out"],
    what: "a bridge in the place of a bare veth pair: CPU time per frame against bridge.forward and the veth leg behind it",
    base: ["veth", "forward"],
    candidate: ["bridge:2", "forward"],
  },
  {
    ...{ id: "port", kind: "bound", steps: PORTS[1] - PORTS[0], timed: "both" },
    stages: ["bridge.flood"],
    what: "one more port in a flood: CPU time per frame, the copy's way to its host included, against bridge.flood",
    base: [`bridge:${PORTS[0]}`, "flood"],
    candidate: [`bridge:${PORTS[1]}`, "flood"],
  },
  {
    ...{ id: "learn", kind: "equal", steps: 1, timed: "both", stages: ["bridge.forward"] },
    what: "a new source address in each frame: CPU time per frame against bridge.forward",
    base: ["bridge:4", "forward"],
    candidate: ["bridge:4", "learn"],
  },
  {
    ...{ id: "rules", kind: "equal", steps: 1, timed: "both", stages: ["bridge.forward"] },
    what: `${RULES[1] - RULES[0]} more nft rules of the bridge family: CPU time per frame against bridge.forward`,
    base: [`bridge:2,nft_rules=${RULES[0]}`, "forward"],
    candidate: [`bridge:2,nft_rules=${RULES[1]}`, "forward"],
  },
];

/** What `bench truth` measures; `turns` of each row, 8 where nothing was asked for. */
export function truthPlan(network: string | undefined, turns = TURNS): TruthPlan {
  if (turns < LEAST_TURNS || turns > MOST_TURNS) {
    throw new UsageError(
      `the plan truth takes ${LEAST_TURNS} to ${MOST_TURNS} --latency-sessions, since one has no interval, not ${turns}`,
    );
  }
  const timing = { rounds: turns, durationNs: ROUND_NS };
  const planned = (row: string, [topology, workload]: readonly [string, string]) => {
    const request = {
      topology: resolveTopology(topology, network === undefined ? {} : { network }),
      workload: workloadNamed(workload),
      options: {},
    };
    const [one] = makePlan("truth", [request], timing, "auto", false).cases;
    if (one === undefined) throw new RangeError("a plan without its case");
    // Rows may share a lab, and each has a workload of its own in it.
    return { ...one, id: `${row}: ${one.id}` };
  };
  return {
    turns,
    roundNs: ROUND_NS,
    rows: ROWS.map(({ base, candidate, ...row }) => ({
      ...row,
      base: planned(row.id, base),
      candidate: planned(row.id, candidate),
    })),
  };
}
