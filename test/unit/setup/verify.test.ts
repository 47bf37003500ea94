import { describe, expect, it } from "vitest";
import { differences } from "../../../src/setup/standing-lab.ts";
import { parseTopology } from "../../../src/setup/topology.ts";

const port = (name: string, flags: Record<string, boolean>, state = "forwarding") => ({
  name,
  ifindex: 3,
  namespace: "sw",
  peer: null,
  flags,
  state,
  mtu: 1500,
  qdisc: "noqueue",
  offloads: {},
  xdp: false,
  rps: "0",
});

const bridge = (options: Record<string, number>) => ({
  name: "br0",
  ifindex: 2,
  address: "02:00:00:00:00:01",
  options,
  nfCall: null,
});

describe("differences", () => {
  it("finds none where the kernel did as asked", () => {
    const spec = parseTopology("bridge:2,ageing_time=5s,mtu=1500");
    const ports = [port("p1", {}), port("p2", {})];
    expect(differences(spec, { bridge: bridge({ ageing_time: 500 }), ports })).toEqual([]);
  });

  it("names a bridge option, a port flag and a state that are otherwise", () => {
    const spec = parseTopology("bridge:2,ageing_time=5s");
    const [first] = spec.hosts;
    if (first === undefined) throw new Error("no host");
    first.port = { isolated: "1", state: "4" };
    const ports = [port("p1", { isolated: false }), port("p2", {})];
    expect(differences(spec, { bridge: bridge({ ageing_time: 30000 }), ports })).toEqual([
      "the bridge's ageing_time was asked to be 500 and is 30000",
      "p1's isolated was asked to be 1 and is 0",
      "p1's state was asked to be blocking and is forwarding",
    ]);
  });
});
