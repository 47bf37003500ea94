/** Which rule or policy is named for frames that netfilter has dropped. */
import { describe, expect, it } from "vitest";
import type { BridgeState, FilterChain } from "../../../../src/bridge/state.ts";
import type { Loss } from "../../../../src/explain/causes/loss/cause.ts";
import { netfilter } from "../../../../src/explain/causes/loss/netfilter.ts";
import { remedyOf } from "../../../../src/explain/causes/remedy.ts";
import { A, B, bridge, chain, collected, filters, HANDED, port, rule } from "../bridge.ts";

const [PA, PB] = [10, 11];

function loss(over: Partial<Loss> = {}): Loss {
  return {
    ...{ class: "unicast", port: PA, source: A, destination: B, vlan: 0, frames: 50, came: 50 },
    ...{ at: PB, behind: false, where: "nft_do_chain", reason: "NETFILTER_DROP", longest: 98 },
    ...{ steps: [], firstNs: 0, sourcePort: null, destinationPort: null },
    addresses: { source: "10.77.0.1", destination: "10.77.0.2", protocol: "ICMP" },
    ...over,
  };
}

function state(chains: FilterChain[], over: Partial<BridgeState> = {}): BridgeState {
  return bridge({ netfilterCalls: HANDED, filters: filters(...chains), ...over });
}

/** `before` has counted nothing. */
function why(now: BridgeState, of: Partial<Loss> = {}, before = idle(now)) {
  const one = loss(of);
  const lost = [{ ...one, where: one.where ?? "" }];
  return netfilter(one, { before, state: now, collected: collected([], { lost }) });
}

function idle(now: BridgeState): BridgeState {
  const chains = (now.filters?.chains ?? []).map((one) => ({
    ...one,
    policyFrames: one.policyFrames === null ? null : 0,
    rules: one.rules.map((each) => ({ ...each, frames: each.frames === null ? null : 0 })),
  }));
  return { ...now, filters: filters(...chains) };
}

function named(...args: Parameters<typeof why>) {
  const said = why(...args);
  if (said === null || said === "right") return expect.fail(`it is ${said}`);
  return said;
}

describe("it is netfilter's", () => {
  const now = state([chain({ policyFrames: 50 })]);

  it("by its reason, or by the place where the kernel tells none", () => {
    expect(named(now).kind).toBe("loss");
    expect(named(now, { reason: null, where: "nf_hook_slow" }).kind).toBe("loss");
    expect(why(now, { reason: null, where: "br_forward" })).toBeNull();
    expect(why(now, { reason: "PKT_TOO_BIG" })).toBeNull();
  });

  it("but not behind the port, where somebody filters for itself", () => {
    expect(why(now, { behind: true })).toBe("right");
  });
});

describe("which", () => {
  const many = [
    rule({ handle: 2, frames: 0, asks: ["ct state"] }),
    rule({ handle: 3, frames: 50, asks: ["fib"] }),
    rule({ handle: 4, frames: null, asks: ["ports"] }),
  ];

  it("is the one whose counter moved by what was lost", () => {
    const said = named(state([chain({ policy: "accept", rules: many })]));
    expect(said).toMatchObject({ basis: "observed", alternatives: [] });
    expect(said.title).toMatch(/^rule 3 of chain FORWARD \(ip filter\) drops frames between ports/);
  });

  it("is inferred where it does not count, and the others are told", () => {
    const rules = [...many.slice(2), rule({ handle: 5, frames: null, asks: ["ports", "mark"] })];
    const said = named(state([chain({ policy: "drop", policyFrames: null, rules })]));
    expect(said.title).toMatch(/^the policy of chain FORWARD/);
    expect(said).toMatchObject({
      basis: "inferred",
      alternatives: ["rule 4 of chain FORWARD (ip filter)", "rule 5 of chain FORWARD (ip filter)"],
    });
  });

  it("is none that is for another address, protocol, family or hook, or that is never come to", () => {
    const other = (over: Parameters<typeof rule>[0]) =>
      chain({ policy: "accept", rules: [rule({ frames: null, ...over })] });
    const elsewhere = [
      other({ addresses: [{ side: "source", address: "10.77.0.9" }] }),
      other({ protocol: 17 }),
      other({ etherType: 0x86dd }),
      chain({ hook: "prerouting", name: "PREROUTING" }),
      chain({ family: "ip6" }),
      chain({ name: "passed", rules: [rule({ verdict: "accept", drops: false })] }),
    ];
    expect(named(state(elsewhere)).title).toBe(
      "netfilter dropped them at nft_do_chain, and no rule and no policy that was read can have",
    );
  });

  it("is at prerouting what was lost where it came in", () => {
    const chains = [chain({ policyFrames: 0 }), chain({ hook: "prerouting", name: "PRE" })];
    const said = named(state(chains.map((one) => ({ ...one, policyFrames: null }))), { at: PA });
    expect(said).toMatchObject({ basis: "observed" });
    expect(said.title).toMatch(/^the policy of chain PRE .* at the hook prerouting/);
  });

  it("may be among those that were too many to be read", () => {
    const said = named(state([chain({ policyFrames: null, unread: 30_000 })]));
    expect(said).toMatchObject({
      basis: "inferred",
      alternatives: [
        "one of the last 30,000 rules of chain FORWARD (ip filter), which are too many to be read",
      ],
    });
  });

  it("is legacy iptables where nf_tables has counted nothing", () => {
    const legacy = { ...filters(chain({ policyFrames: 0 })) };
    legacy.legacy = [{ family: "ip", table: "filter" }];
    const now = state([], { filters: legacy });
    expect(named(now, { where: "nf_hook_slow" }, now).title).toMatch(/^legacy iptables \(filter\)/);
    expect(named(now, {}, now).title).toMatch(/^netfilter dropped them at nft_do_chain/);
  });

  it("is not known where its rules could not be read", () => {
    expect(named(state([], { filters: null })).title).toMatch(/its rules could not be read$/);
  });
});

describe("a policy", () => {
  const kind = (...chains: FilterChain[]) => named(state(chains)).kind;
  const open = { policy: "accept", policyFrames: null } as const;

  it("is what is of the bridge or netdev family, names a bridge, or addresses", () => {
    expect(kind(chain({ family: "bridge", policyFrames: null }))).toBe("policy");
    expect(kind(chain({ family: "netdev", hook: "egress", ports: [PB], policyFrames: null }))).toBe(
      "policy",
    );
    expect(kind(chain({ ...open, rules: [rule({ frames: 50, aboutBridges: true })] }))).toBe(
      "policy",
    );
    expect(kind(chain({ ...open, rules: [rule({ frames: 50, aboutAddresses: true })] }))).toBe(
      "policy",
    );
    expect(kind(chain({ ...open, rules: [rule({ frames: 50 })] }))).toBe("loss");
  });

  it("is what stands in a chain that all ways lead to for somebody", () => {
    const jump = (over = {}) =>
      rule({ ...{ verdict: "jump POD", leadsTo: ["POD"], drops: false, frames: null }, ...over });
    const pod = chain({ name: "POD", hook: null, policy: null, rules: [rule({ frames: 50 })] });
    const meant = jump({ aboutAddresses: true, asks: ["ip daddr"] });
    expect(kind(chain({ ...open, rules: [meant] }), pod)).toBe("policy");
    expect(kind(chain({ ...open, rules: [meant, jump()] }), pod)).toBe("loss");
    const kube = { ...pod, name: "KUBE-NWPLCY-1" };
    const to = jump({ verdict: `jump ${kube.name}`, leadsTo: [kube.name] });
    expect(kind(chain({ ...open, rules: [to] }), kube)).toBe("policy");
  });
});

describe("the remedy", () => {
  const proposed = (now: BridgeState, of: Partial<Loss> = {}) =>
    remedyOf(now, named(now, of).remedy);
  const counted = chain({ policyFrames: 50 });
  const entering = chain({
    ...{ family: "inet", table: "fw", name: "pre", hook: "prerouting", policy: "accept" },
    ...{ policyFrames: null, rules: [rule({ frames: 50, asks: ["fib"] })] },
  });

  it("is a rule for this bridge in the chain that drops", () => {
    expect(proposed(state([counted])).remedy).toMatchObject({
      command:
        "iptables-nft -w -t filter -I FORWARD -i br0 -o br0 -m comment --comment bridgescope -j ACCEPT",
      undo: "iptables-nft -w -t filter -D FORWARD -i br0 -o br0 -m comment --comment bridgescope -j ACCEPT",
    });
  });

  it("is the chain that Docker leaves to its users", () => {
    const user = chain({ name: "DOCKER-USER", hook: null, policy: null });
    expect(proposed(state([counted, user])).remedy?.command).toContain(
      "-I DOCKER-USER -i br0 -o br0",
    );
  });

  it("is the sysctl where nobody needs it, and then names whom else it concerns", () => {
    const now = state([entering]);
    const others = { ...now, filters: { ...filters(entering), otherBridges: ["docker0"] } };
    expect(proposed(others, { at: PA }).remedy).toMatchObject({
      command: "sysctl -qw net.bridge.bridge-nf-call-iptables=0",
      undo: "sysctl -qw net.bridge.bridge-nf-call-iptables=1",
      risk: expect.stringMatching(/^it goes for docker0 of that namespace too; Docker/),
    });
  });

  it("is the bridge's own option where that alone hands over", () => {
    const sysctls = { ip: false, ip6: false, arp: false };
    const now = state([entering], {
      netfilterCalls: { ...HANDED, sysctls },
      options: { nf_call_iptables: 1 },
    });
    expect(proposed(now, { at: PA }).remedy?.command).toBe(
      "ip link set dev br0 type bridge nf_call_iptables 0",
    );
  });

  it("is never the sysctl where Docker or Kubernetes is", () => {
    const of = (...chains: FilterChain[]) =>
      state([], { filters: { ...filters(...chains), keepers: ["Docker"] } });
    expect(proposed(of(entering), { at: PA }).remedy?.command).toBe(
      `nft 'insert rule inet fw pre iifname "br0" accept comment "bridgescope br0"'`,
    );
    // Another chain would drop them behind it.
    const both = of(counted, chain({ family: "inet", table: "fw", name: "end", priority: 10 }));
    expect(proposed(both)).toMatchObject({
      remedy: null,
      noRemedy: expect.stringMatching(/^Docker/),
    });
  });

  it("has no name that is more than a word to nft", () => {
    const hostile = { ...entering, table: "fw; flush ruleset" };
    const now = state([], { filters: { ...filters(hostile), keepers: ["Docker"] } });
    expect(proposed(now, { at: PA })).toMatchObject({
      ...{ remedy: null, noRemedy: "a name in it is more than a word to nft" },
    });
  });

  it("is none for a hairpin that is a policy", () => {
    const flags = { ...port("a", A).flags, hairpin: true };
    const now = state([chain({ family: "bridge", policyFrames: 50 })], {
      ports: [port("a", A, { flags }), port("b", B)],
    });
    expect(named(now, { at: PA })).toMatchObject({ kind: "policy", remedy: null });
  });
});
