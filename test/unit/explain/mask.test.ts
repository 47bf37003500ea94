import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BridgeState, Place } from "../../../src/bridge/state.ts";
import { createMask } from "../../../src/explain/mask.ts";
import { AddressStandIns } from "../../../src/explain/stand-ins.ts";
import { WORDS } from "../../../src/explain/words.ts";
import type { Collected } from "../../../src/live/collect.ts";

const place = (inode: number, label: string): Place => ({
  inode,
  path: `/run/netns/${label}`,
  own: false,
  label,
});
const home = place(1, "qxhome");
const web = place(2, "qxweb");
const counters = { rx: 1, tx: 2, rxBytes: 3, txBytes: 4, txDropped: 5 };
const flags = {
  ...{ learning: true, flood: true, mcastFlood: true, bcastFlood: true, hairpin: false },
  ...{ isolated: false, locked: false, neighSuppress: false, proxyArp: false },
};

const STATE: BridgeState = {
  name: "qxbridge",
  ifindex: 7,
  place: home,
  address: "52:54:99:00:00:01",
  ...{ mtu: 1500, up: true, promiscuity: 0, ageingMs: 300_000, stp: false, forwardDelayS: 15 },
  ...{ topologyChange: false, mcastSnooping: true, mcastQuerier: false, vlanFiltering: false },
  ...{ pvid: 0, learned: null, maxLearned: null },
  ...{ addresses: ["10.55.1.1"], uppers: [], formerAddresses: [] },
  multicast: { members: [], routers: [], querier: undefined },
  options: { bridge_id: "8000.52:54:99:0:0:1", vlan_protocol: "802.1Q", qxoption: "qxvalue" },
  counters,
  ports: [
    {
      ...{ name: "qxport", ifindex: 8, address: "52:54:99:00:00:02", kind: "veth", mtu: 1500 },
      ...{ up: true, carrier: true, state: "forwarding", promiscuity: 0, flags, pvid: 0 },
      groupFwdMask: 0,
      ...{ vlans: [{ vid: 7, pvid: true, untagged: true }], counters },
      peer: {
        ...{ namespace: web, name: "qxpeer", ifindex: 2, address: "52:54:99:00:00:03" },
        ...{ master: null, addresses: ["10.55.1.9", "fd55::9"], uppers: [], filter: [] },
        ...{ mtu: 1500, up: true },
        joined: ["239.55.1.9"],
      },
      vxlan: null,
      owner: {
        ...{ label: "container qxcontainer", namespace: web, pid: 4711, command: "qxcommand" },
        ...{ cgroup: "/qxcgroup", container: "qxcontainer", pod: "qxspace/qxpod" },
      },
    },
    {
      ...{ name: "qxtap", ifindex: 9, address: "52:54:99:00:00:04", kind: "qxkind", mtu: 1500 },
      ...{ up: true, carrier: true, state: "forwarding", promiscuity: 0, flags, pvid: 0 },
      groupFwdMask: 0,
      ...{ vlans: [], counters, peer: null, vxlan: null },
      owner: {
        ...{ label: "vm qxguest (pid 3)", namespace: null, pid: 3, command: "qxqemu" },
        ...{ cgroup: null, container: null, pod: null },
      },
    },
  ],
  vxlans: [
    {
      ...{ name: "qxvxlan", ifindex: 10, up: true, counters },
      vxlan: {
        ...{ vni: 7, external: false, group: "239.55.1.10", local: "10.55.1.3", port: 4789 },
        ...{ learning: true, proxy: false, underlay: web },
        remotes: [
          {
            ...{ address: "52:54:99:00:00:05", ip: "10.55.1.4", port: 4789, vni: 7 },
            ...{ permanent: true, own: false, answers: null },
          },
        ],
      },
    },
  ],
  entries: [
    {
      ...{
        address: "52:54:99:00:00:03",
        vlan: 7,
        port: 8,
        local: false,
        static: true,
        sticky: false,
      },
      ...{ updatedS: 1, usedS: 2 },
    },
  ],
  netfilterCalls: {
    ...{ ip: true, ip6: true, arp: false },
    sysctls: { ip: true, ip6: false, arp: false },
  },
  filters: {
    chains: [
      {
        ...{ family: "inet", table: "qxtable", name: "qxchain", hook: "forward", priority: 0 },
        ...{ policy: "drop", policyFrames: 1, ports: [8], unread: 0 },
        rules: [
          {
            ...{ handle: 1, frames: 2, verdict: "jump qxother", leadsTo: ["qxother"] },
            ...{
              drops: false,
              etherType: 0x0800,
              protocol: 17,
              in: [8],
              out: null,
              asks: ["ip saddr"],
            },
            addresses: [{ side: "source", address: "10.55.1.9" }],
            ...{ aboutBridges: true, aboutAddresses: true, comment: "qxcomment" },
          },
        ],
      },
    ],
    legacy: [{ family: "ip", table: "filter" }],
    keepers: ["Docker"],
    otherBridges: ["qxbridge2"],
  },
  maxBacklog: 1000,
  neighbours: [
    {
      ...{ namespace: web, device: "qxpeer", ifindex: 2, ip: "10.55.1.8" },
      ...{ address: "52:54:99:00:00:05", state: "stale" },
    },
  ],
};

const COLLECTED: Collected = {
  ...{
    seconds: 2,
    counted: 2,
    beganNs: 3,
    beganAt: 4,
    backend: "tracepoint",
    share: 0.01,
    notes: [],
  },
  ended: { early: "bridge-gone", text: "the bridge qxbridge is gone: qxport, (qxbridge)" },
  flows: [
    {
      ...{ class: "unknownUnicast", port: 8, source: "52:54:99:00:00:03" },
      ...{
        destination: "52:54:99:00:00:05",
        vlan: 7,
        frames: 1,
        bytes: 2,
        copies: 3,
        hostCopies: 0,
        steps: [],
      },
      ...{ acknowledged: 0, firstNs: 4 },
      addresses: { source: "10.55.1.9", destination: "10.55.1.8", protocol: "IP protocol 89" },
      ...{ sourcePort: null, destinationPort: null },
    },
  ],
  known: [
    {
      ...{ port: 8, source: "52:54:99:00:00:03", destination: "52:54:99:00:00:05", vlan: 7 },
      ...{ frames: 1, copies: 0, hostCopies: 0 },
    },
  ],
  lost: [
    {
      ...{ class: "unicast", port: 8, source: "52:54:99:00:00:03" },
      ...{ destination: "52:54:99:00:00:05", vlan: 7, frames: 1, at: 9, behind: false },
      ...{ where: "nft_do_chain", reason: "NETFILTER_DROP", longest: 98, steps: [], firstNs: 4 },
      addresses: { source: "10.55.1.9", destination: "10.55.1.8", protocol: "UDP" },
      ...{ sourcePort: 1, destinationPort: 2 },
    },
  ],
  softnetDropped: 0,
  got: [{ destination: "52:54:99:00:00:05", vlan: 7, port: 9, copies: 3 }],
  moves: [{ address: "52:54:99:00:00:03", vlan: 7, port: 8, moves: 1 }],
  deleted: [{ address: "52:54:99:00:00:05", by: "qxdaemon (pid 4711)" }],
  homes: [{ address: "52:54:99:00:00:05", vlan: 7, port: 9, local: false }],
  came: 1,
  ownAddresses: ["52:54:99:00:00:05"],
};

/** Nothing of the above may be left. */
const SECRET = /qx|52:54:99|10\.55\.|fd55/i;

const masked = () => createMask(STATE, []);

describe("a masked state", () => {
  const mask = masked();
  const state = mask.state(STATE);
  const collected = mask.collected(COLLECTED);

  it("names nobody", () => {
    expect(JSON.stringify([state, collected])).not.toMatch(SECRET);
  });

  it("keeps who is who, and every number", () => {
    const [port, tap] = state.ports;
    expect([state.name, port?.name, tap?.name]).toEqual(["bridge1", "port1", "port2"]);
    expect([state.place.label, port?.owner?.label, tap?.owner?.label]).toEqual([
      ...["netns1", "netns2", "owner1"],
    ]);
    expect(port?.peer?.namespace).toEqual(port?.owner?.namespace);
    expect(state.neighbours[0]).toMatchObject({ namespace: port?.peer?.namespace, state: "stale" });
    expect(state.neighbours[0]?.device).toBe(port?.peer?.name);
    expect(state.entries[0]?.address).toBe(port?.peer?.address);
    expect(collected.flows[0]?.source).toBe(port?.peer?.address);
    expect(collected.flows[0]?.addresses.source).toBe(port?.peer?.addresses[0]);
    expect(collected.flows[0]?.addresses.protocol).toBe("IP protocol 89");
    expect(collected.ended).toEqual({
      early: "bridge-gone",
      text: "the bridge bridge1 is gone: port1, (bridge1)",
    });
    expect(collected.deleted[0]?.by).toBe("process1 (pid 4711)");
    expect(state.options).toMatchObject({
      bridge_id: `8000.${state.address}`,
      vlan_protocol: "802.1Q",
    });
    expect(numbersIn(state)).toEqual(numbersIn({ ...STATE, ports: withoutPids(STATE) }));
    expect(numbersIn(collected)).toEqual(numbersIn(COLLECTED));
  });

  it("names a device in a sentence in no spelling", () => {
    const name = 'qx\u001b[2J"x';
    const state = { ...STATE, name };
    const text = `the bridge "qx\\x1b[2J"x" was deleted: ${name}`;
    const { ended } = createMask(state, []).collected({
      ...COLLECTED,
      ended: { early: "bridge-gone", text },
    });
    expect(ended?.text).toBe('the bridge "bridge1" was deleted: bridge1');
  });

  it("takes a process that is called like an address for none", () => {
    const deleted = [{ address: "52:54:99:00:00:05", by: "10.55.1.9 (pid 7)" }];
    const { deleted: shown } = masked().collected({ ...COLLECTED, deleted });
    expect(shown[0]?.by).toBe("process1 (pid 7)");
  });

  it("is of the host where the bridge is", () => {
    const host = { ...STATE, place: place(1, "host") };
    expect(createMask(host, []).state(host).place.label).toBe("host");
  });
});

describe("masked JSON", () => {
  it("keeps what ip says of its own, and has what passed before by the same stand-in", () => {
    const mask = masked();
    const { ports } = mask.state(STATE);
    const told = {
      ...{ ifindex: 8, ifname: "qxport", flags: ["BROADCAST", "LOWER_UP"], operstate: "UP" },
      ...{ address: "52:54:99:00:00:02", ifalias: "qx alias", altnames: ["qxaltname"] },
      linkinfo: { info_slave_kind: "bridge", info_slave_data: { id: "0x8001", qxkey: "qx" } },
    };
    expect(mask.json([told])).toEqual([
      {
        ...{ ifindex: 8, ifname: "port1", flags: ["BROADCAST", "LOWER_UP"], operstate: "UP" },
        ...{ address: ports[0]?.address, ifalias: "text5", altnames: ["device3"] },
        linkinfo: {
          info_slave_kind: "bridge",
          info_slave_data: { id: "0x8001", text6: "text7" },
        },
      },
    ]);
  });

  it("hides names that are keys, and words where a name stands", () => {
    const told = { router: { qxbridge: [{ port: "forward", timer: " 12.50" }] } };
    expect(masked().json(told)).toEqual({
      router: { bridge1: [{ port: "device1", timer: " 12.50" }] },
    });
  });

  it("follows a set, a chain and a table of nft", () => {
    const told = [
      { table: { family: "inet", name: "qxtable", comment: "drop" } },
      { set: { name: "qxset", table: "qxtable", elem: ["10.55.1.9", "qxport", "qxother"] } },
      { chain: { name: "qxchain", table: "qxtable", hook: "forward", policy: "drop", prio: 0 } },
      {
        rule: {
          ...{ table: "qxtable", chain: "FORWARD" },
          expr: [
            { match: { op: "==", left: { payload: { field: "saddr" } }, right: "@qxset" } },
            { log: { prefix: "qxlog" } },
            { jump: { target: "qxchain" } },
          ],
        },
      },
    ];
    expect(masked().json(told)).toEqual([
      { table: { family: "inet", name: "table1", comment: "text1" } },
      { set: { name: "set1", table: "table1", elem: ["198.18.0.1", "port1", "text2"] } },
      { chain: { name: "chain1", table: "table1", hook: "forward", policy: "drop", prio: 0 } },
      {
        rule: {
          ...{ table: "table1", chain: "FORWARD" },
          expr: [
            { match: { op: "==", left: { payload: { field: "saddr" } }, right: "@set1" } },
            { log: { prefix: "text3" } },
            { jump: { target: "chain1" } },
          ],
        },
      },
    ]);
  });

  it("shows no address that a rule has as a number", () => {
    const [payload, addresses] = [{ base: "nh", offset: 128, len: 32 }, 0x0a370109];
    const match = { op: "==", left: { payload }, right: { set: [addresses, 80] } };
    expect(masked().json([{ match }, { counter: { packets: addresses } }])).toEqual([
      { match: { op: "==", left: { payload }, right: { set: ["number1", 80] } } },
      { counter: { packets: addresses } },
    ]);
  });

  it("has no text that is neither a word, a number's nor a stand-in, whatever a tool prints", () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("qxport", "@qxset", "52:54:99:00:00:03", "10.55.1.9/24", "fd55::9", "1.2.3"),
      fc.constantFrom("0x10", "77", "dead:", "constructor", "__proto__", "toString"),
      fc.constantFrom(...WORDS),
    );
    const { told } = fc.letrec((again) => ({
      told: fc.oneof(
        { depthSize: "small" },
        text,
        fc.integer(),
        fc.array(again("told"), { maxLength: 4 }),
        fc.dictionary(text, again("told"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(told, (value) => {
        expect(textsIn(masked().json(value)).filter((one) => !harmless(one))).toEqual([]);
      }),
      { numRuns: 500, seed: 225 },
    );
  });
});

describe("masked rules", () => {
  const recorded = (tool: string) => readFileSync(`test/fixtures/explain/${tool}.txt`, "utf8");

  it.each(["iptables-save", "ip6tables-save", "ebtables-save"])("of %s name nobody", (tool) => {
    expect(recorded(tool)).toMatch(SECRET);
    const rules = masked().rules(recorded(tool));
    expect(rules).not.toMatch(SECRET);
    expect(rules).not.toContain("2026");
  });

  it("have no name of a chain, be it a number", () => {
    const rules = masked().rules("*filter\n:4711 - [0:0]\n-A FORWARD -j 4711\n-A 4711 -j DROP");
    expect(rules).toBe("*filter\n:chain1 - [0:0]\n-A FORWARD -j chain1\n-A chain1 -j DROP");
  });

  it("can still be followed", () => {
    const rules = masked().rules(recorded("iptables-save"));
    expect(rules.split("\n")).toEqual(
      expect.arrayContaining([
        ":FORWARD DROP [0:0]",
        ":chain1 - [0:0]",
        "-A FORWARD -i bridge1 ! -o bridge1 -j chain1",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 198.18.0.1:8080",
        "-A FORWARD -s 198.18.0.2/24 -d 198.18.0.1/32 -p tcp -m tcp --dport 8080 -m comment --comment text1 -j ACCEPT",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -m physdev --physdev-in port1 --physdev-is-bridged -j DROP",
        "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
        "-A FORWARD -m mark --mark 0x10/0xff -j REJECT --reject-with icmp-port-unreachable",
      ]),
    );
  });
});

describe("masked words and numbers", () => {
  it("leave versions, and hide what somebody has built", () => {
    const { plain } = masked();
    expect(plain("ip utility, iproute2-6.1.0, libbpf 1.1.2")).toBe(
      "ip utility, iproute2-6.1.0, libbpf 1.1.2",
    );
    expect(plain("Linux 6.1.0-28-amd64 x86_64")).toBe("Linux 6.1.0-28-amd64 x86_64");
    expect(plain("Linux 6.18.44-qxhouse x86_64")).toBe("Linux 6.18.44-text1 x86_64");
    expect(plain("asked at 10.55.1.9")).not.toContain("10.55");
  });
});

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  return [...keys, ...Object.values(value).flatMap(textsIn)];
}

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(numbersIn);
}

function withoutPids({ ports }: BridgeState) {
  return ports.map((port) => ({ ...port, owner: { ...port.owner, pid: null } }));
}

const STAND_IN_ADDRESS = /^(?:[0-9a-f]{4}\.)?(?:02:00:00:00|198\.1[89]\.|2001:db8:|fe80::)/;
const NUMERIC = /^\s*(?:0x[0-9a-f]+|[\d.]+|[0-9a-f]{0,4}:[0-9a-f]{0,4})\s*$/i;

function harmless(text: string): boolean {
  const bare = text.replace(/^@/, "");
  const [, kind = ""] = /^(.+?)\d+$/.exec(bare) ?? [];
  if (bare === "" || WORDS.has(bare) || NUMERIC.test(text)) return true;
  if (["bridge", "port", "device", "text", "set", "chain", "table"].includes(kind)) return true;
  if (WORDS.has(kind)) return true;
  const known = new AddressStandIns().of(text) === text;
  return text === "lo" || known || STAND_IN_ADDRESS.test(text);
}
