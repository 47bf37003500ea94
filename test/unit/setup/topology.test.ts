import { describe, expect, test } from "vitest";
import { parseTopology } from "../../../src/setup/topology.ts";
import { UsageError } from "../../../src/system/errors.ts";

describe("topologies", () => {
  test("netns is one host with a loopback", () => {
    expect(parseTopology("netns")).toEqual({
      label: "netns",
      kind: "netns",
      hosts: [{ name: "h1", device: "lo", address: null, port: {} }],
      bridge: null,
      mtu: null,
      ipv6: false,
    });
  });

  test("veth is two hosts with an address each", () => {
    const { hosts, bridge } = parseTopology("veth", { network: "192.168.1.0/24" });
    expect(hosts.map(({ name, device, address }) => [name, device, address])).toEqual([
      ["A", "veth0", "192.168.1.1/24"],
      ["B", "veth1", "192.168.1.2/24"],
    ]);
    expect(bridge).toBeNull();
  });

  test("bridge:N has N hosts in 198.18.0.0/15", () => {
    const { hosts, bridge } = parseTopology("bridge:1023");
    expect(hosts).toHaveLength(1023);
    expect(hosts[0]).toEqual({ name: "h1", device: "eth0", address: "198.18.0.1/15", port: {} });
    expect(hosts[1022]).toMatchObject({ name: "h1023", address: "198.18.3.255/15" });
    expect(bridge).toEqual({
      name: "br0",
      inSeries: 1,
      options: {},
      nfCall: false,
      address: null,
      fill: {},
      fdb: [],
    });
  });

  test("chain:K has two hosts and K bridges in series, all set alike", () => {
    const { kind, hosts, bridge } = parseTopology("chain:8,ageing_time=5s,nf_call=1");
    expect(kind).toBe("chain");
    expect(hosts.map(({ name }) => name)).toEqual(["h1", "h2"]);
    const options = { ageing_time: "500" };
    expect(bridge).toMatchObject({ name: "br0", inSeries: 8, nfCall: true, options });
    expect(parseTopology("chain:1").bridge?.inSeries).toBe(1);
    expect(parseTopology("chain:32").bridge?.inSeries).toBe(32);
  });

  test("options are translated to what ip takes", () => {
    const text =
      "bridge:2,ageing_time=5s,forward_delay=500ms,stp_state=1,mcast_snooping=0,mtu=9000,nf_call=1,ipv6=1,vlan_filtering=1,priority=4096";
    const spec = parseTopology(text);
    expect(spec).toMatchObject({ label: text, mtu: 9000, ipv6: true });
    expect(spec.bridge).toMatchObject({
      nfCall: true,
      options: {
        ageing_time: "500",
        forward_delay: "50",
        stp_state: "1",
        mcast_snooping: "0",
        vlan_filtering: "1",
        priority: "4096",
      },
    });
  });

  test("what a bridge is filled with is counted", () => {
    const { bridge } = parseTopology("bridge:2,fdb_entries=1000,nft_rules=10,vlans=3");
    expect(bridge?.fill).toEqual({ fdb_entries: 1000, nft_rules: 10, vlans: 3 });
    expect(() => parseTopology("bridge:2,vlans=4094")).toThrow(/from 1 to 4093/);
    expect(() => parseTopology("veth,nft_rules=1")).toThrow(/no option of veth/);
  });

  test("mtu and ipv6 go with every topology", () => {
    expect(parseTopology("veth,mtu=1400,ipv6=1")).toMatchObject({ mtu: 1400, ipv6: true });
    expect(parseTopology("netns,ipv6=0")).toMatchObject({ ipv6: false });
  });
});

describe("what is wrong is said", () => {
  test.each([
    ["", /unknown topology ""; known are netns, veth, bridge:N .*YAML/],
    ["bridge", /unknown topology "bridge"/],
    ["bridge:", /unknown topology/],
    ["bridge:4x", /unknown topology/],
    ["bridge:-4", /unknown topology/],
    ["constructor", /unknown topology/],
    ["bridge:0", /bridge:0 is out of range: .* at most 1023 ports and a lab at least 2/],
    ["bridge:1", /out of range/],
    ["bridge:1024", /out of range/],
    ["bridge:99999999999999999999", /out of range/],
    ["chain", /unknown topology "chain"; known are .*chain:K/],
    ["chain:0", /chain:0 is out of range: a chain has 1 to 32 bridges/],
    ["chain:33", /out of range/],
    ["chain:2,nft_rules=1", /"nft_rules" fills one bridge, and no chain/],
    ["bridge:2,", /reads name=value, not ""/],
    ["bridge:2,mtu", /reads name=value, not "mtu"/],
    ["bridge:2,mtu=1=2", /reads name=value/],
    ["bridge:2,mtu=67", /mtu expects a whole number of bytes from 68 to 65535, not "67"/],
    ["bridge:2,mtu=65536", /mtu expects/],
    ["bridge:2,mtu=1e3", /mtu expects/],
    ["bridge:2,ipv6=yes", /ipv6 expects 0 or 1, not "yes"/],
    ["bridge:2,nf_call=2", /nf_call expects 0 or 1/],
    ["bridge:2,stp_state=on", /stp_state expects 0 or 1, not "on"/],
    ["bridge:2,ageing_time=5ms", /ageing_time expects a duration .* steps of 10ms, not "5ms"/],
    ["bridge:2,ageing_time=soon", /ageing_time expects a duration/],
    ["bridge:2,priority=65536", /priority expects a whole number from 0 to 65535/],
    [
      "bridge:2,speed=9",
      /unknown topology option "speed"; known are mtu, nf_call, ipv6, fdb_entries, nft_rules, vlans, ageing_/,
    ],
    ["bridge:2,toString=9", /unknown topology option "toString"/],
    ["veth,stp_state=1", /"stp_state" is no option of veth; it takes mtu and ipv6/],
    ["netns,nf_call=1", /"nf_call" is no option of netns/],
  ])("%j", (text, sentence) => {
    const parse = () => parseTopology(text);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(sentence);
  });

  test("a network that is too small for the hosts", () => {
    expect(() => parseTopology("bridge:3", { network: "10.0.0.0/30" })).toThrow(
      /10.0.0.0\/30 holds 2 hosts, too few for number 3/,
    );
  });
});
