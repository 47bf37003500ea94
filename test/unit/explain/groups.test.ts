/** Who is to get a group, and whether the bridge sends it there alone, as br_multicast.c does it. */
import { describe, expect, it, test } from "vitest";
import type { BridgeState, MulticastState } from "../../../src/bridge/state.ts";
import {
  groupMac,
  groupOf,
  snooped,
  solicitedMac,
  wantsGroup,
  whyNotSnooped,
} from "../../../src/explain/causes/groups.ts";
import { A, bridge, flow, port } from "./bridge.ts";

const PB = 11;
const PC = 12;

function group(mac: string, ip: string | null = null, protocol: string | null = "UDP") {
  const addresses = { source: null, destination: ip, protocol: ip === null ? null : protocol };
  return groupOf(flow({ class: "multicast", destination: mac, addresses }));
}

const V4 = group("01:00:5e:01:02:03", "239.1.2.3");
const V6 = group("33:33:00:00:00:fb", "ff02::fb");

const nobody: NonNullable<MulticastState["querier"]> = { ip4: null, ip6: null };

function state(multicast: Partial<MulticastState>, over: Partial<BridgeState> = {}): BridgeState {
  const all = { members: [], routers: [], querier: nobody, ...multicast };
  return bridge({ mcastQuerier: false, multicast: all, ...over });
}

test("an IP group has the low 23 or 32 bits of its address in its MAC address", () => {
  expect(groupMac("239.129.2.3")).toBe("01:00:5e:01:02:03");
  expect(groupMac("ff02::fb")).toBe("33:33:00:00:00:fb");
  expect(groupMac("ff02:0:0:0:0:1:ff00:412")).toBe("33:33:ff:00:04:12");
  expect(groupMac("ff02::1:ff00:412")).toBe("33:33:ff:00:04:12");
  expect(groupMac("01:1b:19:00:00:00")).toBe("01:1b:19:00:00:00");
  expect(solicitedMac("fe80::1")).toBe("33:33:ff:00:00:01");
  expect(solicitedMac("2001:db8::ab12:3456")).toBe("33:33:ff:12:34:56");
  expect(solicitedMac("2001:db8::")).toBe("33:33:ff:00:00:00");
  expect(solicitedMac("64:ff9b::198.18.5.6")).toBe("33:33:ff:12:05:06");
});

describe("the kernel snoops", () => {
  const on = { querier: nobody };

  it.each([
    ["not the local network's groups", group("01:00:5e:00:00:fb", "224.0.0.251"), "never"],
    ["not these by their MAC address alone", group("01:00:5e:00:00:fb"), "never"],
    ["another group that has such a MAC address", group("01:00:5e:00:00:fb", "239.0.0.251"), null],
    ["not the all-nodes group of IPv6", group("33:33:00:00:00:01", "ff02::1"), "never"],
    ["other groups of IPv6 within the link", group("33:33:00:00:00:02", "ff02::2"), null],
    ["not PTP over Ethernet", group("01:1b:19:00:00:00"), "never"],
    ["not IGMP itself", group("01:00:5e:01:02:03", "239.1.2.3", "IGMP"), "never"],
    ["any other group", V4, null],
  ] as const)("%s", (_, one, why) => {
    const here = bridge({ addresses: ["fe80::1"], multicast: { ...state({}).multicast, ...on } });
    expect(whyNotSnooped(here, one, 0)).toBe(why);
  });

  it("a group that is not IP where somebody entered its members", () => {
    const ptp = group("01:1b:19:00:00:00");
    const member = { group: ptp.mac, source: null, vlan: 0, port: PB, permanent: true };
    expect(whyNotSnooped(state({ members: [member] }), ptp, 0)).toBeNull();
    expect(whyNotSnooped(state({ members: [member] }, { mcastSnooping: false }), ptp, 0)).toBe(
      "never",
    );
    expect(whyNotSnooped(state({ members: [member] }), ptp, 5)).toBe("never");
  });

  it("while somebody sends queries of the family", () => {
    expect(whyNotSnooped(state({}), V4, 0)).toBe("no-querier");
    expect(whyNotSnooped(state({}), V6, 0)).toBe("no-querier");
    const heard = state({ querier: { ip4: { address: "10.77.0.1", port: 10 }, ip6: null } });
    expect(whyNotSnooped(heard, V4, 0)).toBeNull();
    expect(whyNotSnooped(heard, V6, 0)).toBe("no-querier");
  });

  it("by the bridge's own queries, of IPv6 where it has an address to send them from", () => {
    const own = { ip4: { address: "0.0.0.0", port: null }, ip6: { address: "::", port: null } };
    const without = state({ querier: own }, { mcastQuerier: true, addresses: ["10.77.0.9"] });
    expect(whyNotSnooped(without, V4, 0)).toBeNull();
    expect(whyNotSnooped(without, V6, 0)).toBe("no-querier");
    expect(snooped({ ...without, addresses: ["fe80::1"] }, V6, 0)).toBe(true);
  });

  it("not where it is off, or kept by VLAN, and what is not told is not guessed", () => {
    const off = state({}, { mcastSnooping: false, mcastQuerier: true });
    expect(whyNotSnooped(off, V4, 0)).toBe("off");
    const vlans = state({}, { mcastQuerier: true, options: { mcast_vlan_snooping: 1 } });
    expect(whyNotSnooped(vlans, V4, 0)).toBe("vlans");
    const old = state({ querier: undefined });
    expect(whyNotSnooped(old, V4, 0)).toBe("unknown");
    expect(snooped({ ...old, mcastQuerier: true }, V4, 0)).toBe(true);
  });
});

describe("a port wants a group", () => {
  const member = { source: null, vlan: 0, permanent: false };

  it("that is joined there, or another one that has its MAC address, in its VLAN", () => {
    const here = state({
      members: [
        { ...member, group: "239.1.2.3", port: PB },
        { ...member, group: "225.1.2.3", port: PC },
        { ...member, group: "239.1.2.4", port: 10 },
      ],
    });
    expect([10, PB, PC].map((one) => wantsGroup(here, one, V4, 0))).toEqual([false, true, true]);
    expect(wantsGroup(here, PB, V4, 10)).toBe(false);
  });

  it("where a router of its family is", () => {
    const here = state({ routers: [{ port: PB, ip4: true, ip6: false }] });
    expect(wantsGroup(here, PB, V4, 0)).toBe(true);
    expect(wantsGroup(here, PB, V6, 0)).toBe(false);
    expect(wantsGroup(here, PC, V4, 0)).toBe(false);
    expect(wantsGroup(here, PB, group("01:1b:19:00:00:00"), 0)).toBe(false);
  });

  it("by which a host's IPv6 address is asked for, that of what sits on it too", () => {
    const { peer } = port("c", A);
    if (peer === null) return expect.fail("the port has no peer");
    const upper = { ...peer, name: "mv0", kind: "macvlan", addresses: ["2001:db8::412"] };
    const ports = [
      port("b", A, { peer: { ...peer, addresses: ["2001:db8::ff:412"] } }),
      port("c", A, { peer: { ...peer, uppers: [upper] } }),
    ];
    const asked = group("33:33:ff:00:04:12", "ff02::1:ff00:412");
    expect([PB, PC].map((one) => wantsGroup(state({}, { ports }), one, asked, 0))).toEqual([
      false,
      true,
    ]);
    expect(wantsGroup(state({}, { addresses: ["fe80::412"] }), 7, asked, 0)).toBe(true);
  });
});
