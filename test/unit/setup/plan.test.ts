import { describe, expect, test } from "vitest";
import { parseTopologyFile } from "../../../src/setup/file.ts";
import { labNames } from "../../../src/setup/lab-name.ts";
import { namespacesOf, planLab } from "../../../src/setup/plan.ts";
import { asCommand } from "../../../src/setup/plan-text.ts";
import type { TopologySpec } from "../../../src/setup/spec.ts";
import { parseTopology } from "../../../src/setup/topology.ts";

const NAMES = labNames("web", "0badcafe");

function commands(spec: TopologySpec): string {
  return planLab(spec, NAMES).map(asCommand).join("\n");
}

describe("the commands of a lab", () => {
  test("netns", () => {
    expect(commands(parseTopology("netns"))).toMatchSnapshot();
  });

  test("veth", () => {
    expect(commands(parseTopology("veth,mtu=1400"))).toMatchSnapshot();
  });

  test("bridge", () => {
    expect(commands(parseTopology("bridge:2,ageing_time=5s,nf_call=1"))).toMatchSnapshot();
  });

  test("chain", () => {
    expect(commands(parseTopology("chain:3"))).toMatchSnapshot();
  });

  test("a file with port options, an address of the bridge's own and FDB entries", () => {
    const file = `
hosts:
  - { name: web, port: { isolated: 1, state: 0 } }
  - { name: db, address: null }
address: 10.1.0.1/24
fdb: [{ address: "02:00:00:00:00:01", host: web }]
`;
    expect(commands(parseTopologyFile(file, "lab.yaml"))).toMatchSnapshot();
  });
});

describe("the order", () => {
  const all = commands(parseTopology("bridge:3")).split("\n");
  const first = (part: string) => all.findIndex((command) => command.includes(part));

  test("namespaces first, and the bridge up last", () => {
    expect(all.slice(0, 4).every((command) => command.startsWith("ip netns add "))).toBe(true);
    expect(all.at(-1)).toBe("ip -n bs-web-0badcafe-sw link set dev br0 up");
  });

  test("the firewall's hooks are off before there is a bridge", () => {
    expect(first("bridge-nf-call-iptables=0")).toBeGreaterThan(0);
    expect(first("bridge-nf-call-iptables=0")).toBeLessThan(first("type bridge"));
  });

  test("every namespace is marked before anything is in it", () => {
    const marks = all.filter((command) => command.includes("dev lo alias bridgescope:0badcafe"));
    expect(marks).toHaveLength(4);
    expect(first("-h3 link set dev lo alias")).toBeLessThan(first("type veth"));
  });
});

test("the same spec and names give the same plan", () => {
  const spec = parseTopology("bridge:5,stp_state=1");
  expect(planLab(spec, NAMES)).toEqual(planLab(parseTopology("bridge:5,stp_state=1"), NAMES));
});

test("a topology's namespaces", () => {
  expect(namespacesOf(parseTopology("netns"))).toEqual(["h1"]);
  expect(namespacesOf(parseTopology("veth"))).toEqual(["sw", "A", "B"]);
  expect(namespacesOf(parseTopology("bridge:2"))).toEqual(["sw", "h1", "h2"]);
  expect(namespacesOf(parseTopology("chain:9"))).toEqual(["sw", "h1", "h2"]);
});
