import { resolveTopology } from "../../setup/file.ts";
import { workloadNamed } from "../workloads/index.ts";
import { type CaseRequest, type MarginalPlan, makePlan } from "./plan.ts";

/** Labs that differ in the number of one thing. */
interface Series {
  what: string;
  workload: string;
  /** Topology, and how many of the thing it has. */
  members: readonly (readonly [topology: string, count: number])[];
}

const ROUNDS = 20;
/** Short rounds: the time between two measurements is what makes their difference uncertain. */
const ROUND_NS = 20e6;
const PORTS = [
  ["bridge:2", 2],
  ["bridge:16", 16],
  ["bridge:64", 64],
] as const;

const SERIES: readonly Series[] = [
  { what: "port", workload: "forward", members: PORTS },
  { what: "port", workload: "flood", members: PORTS },
  {
    what: "FDB entry",
    workload: "forward",
    members: [
      ["bridge:2", 0],
      ["bridge:2,fdb_entries=1000", 1000],
      ["bridge:2,fdb_entries=8000", 8000],
    ],
  },
  {
    what: "VLAN",
    workload: "forward",
    members: [
      ["bridge:2,vlan_filtering=1", 0],
      ["bridge:2,vlan_filtering=1,vlans=100", 100],
    ],
  },
  {
    what: "firewall rule",
    workload: "forward",
    members: [
      ["bridge:2,nft_rules=1", 1],
      ["bridge:2,nft_rules=10", 10],
      ["bridge:2,nft_rules=100", 100],
    ],
  },
];

const TAX = ["veth", "bridge:2"] as const;
const TAXED = "forward";

/** What `marginal` measures; `network` is the IPv4 network of the hosts. */
export function marginalPlan(network: string | undefined): MarginalPlan {
  const requests = new Map<string, CaseRequest>();
  const idOf = (topology: string, workload: string) => {
    const id = `${topology}/${workload}`;
    if (!requests.has(id)) {
      requests.set(id, {
        topology: resolveTopology(topology, network === undefined ? {} : { network }),
        workload: workloadNamed(workload),
        options: {},
      });
    }
    return id;
  };
  const tax: MarginalPlan["tax"] = [idOf(TAX[0], TAXED), idOf(TAX[1], TAXED)];
  const per = SERIES.map(({ what, workload, members }) => ({
    what,
    workload,
    cases: members.map(([topology]) => idOf(topology, workload)),
    counts: members.map(([, count]) => count),
  }));
  const timing = { rounds: ROUNDS, durationNs: ROUND_NS };
  const { cases } = makePlan("marginal", [...requests.values()], timing, "off", false);
  return { rounds: ROUNDS, roundNs: ROUND_NS, cases, per, tax };
}
