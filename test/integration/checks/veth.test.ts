import { afterAll, describe, expect, test } from "vitest";
import { checkVeth } from "../../../src/setup/checks/index.ts";
import { hostSite } from "../../../src/system/site.ts";
import { type Break, commands, failed, inSite, leftovers, observed } from "./support.ts";

/** How an end is broken, which checks fail of it, and what the first of them reads. */
const BREAKS: { how: string; before: string; make: Break; reads: string | RegExp }[] = [
  {
    how: "the pair's other end has another name",
    before: "veth/pair",
    make: commands("host", "ip link set veth1 name other", "ip link set other name veth1"),
    reads: "other@veth0, veth0@other",
  },
  {
    how: "one end was left in the host",
    before: "veth/moved",
    make: commands(
      "B",
      "ip link set veth1 netns host",
      "nsenter --net=/run/netns/host ip link set veth1 netns B",
    ),
    reads: "A: lo, veth0; B: lo; host: lo, veth1",
  },
  {
    how: "what is called veth1 in B is the end of another pair",
    before: "veth/peers",
    make: commands(
      "B",
      "ip link set veth1 name old; ip link add veth1 type veth peer name lookalike",
      "ip link del veth1; ip link set old name veth1",
    ),
    reads: /^A: veth0@if\d+ link-netns B; B: veth1@lookalike link-netns unknown$/,
  },
  {
    how: "the other end lives in a third namespace",
    before: "veth/peers",
    make: commands(
      "B",
      "ip netns add C; ip link set veth1 netns C",
      "nsenter --net=/run/netns/C ip link set veth1 netns B; ip netns del C",
    ),
    reads: /Device "veth1" does not exist/,
  },
  {
    how: "one end is up already",
    before: "veth/down",
    make: commands("A", "ip link set veth0 up", "ip link set veth0 down"),
    reads: "veth0 LOWERLAYERDOWN, veth1 DOWN",
  },
  {
    how: "the peer is up already",
    before: "veth/lower-layer-down",
    make: commands("B", "ip link set veth1 up", "ip link set veth1 down"),
    reads: "veth0 UP, veth1 UP",
  },
  {
    how: "the peer is down",
    before: "veth/up",
    make: commands("B", "ip link set veth1 down", "ip link set veth1 up"),
    // From about 6.1 an end that was UP looks for its peer's index in its own namespace (default_operstate).
    reads: /^veth0 (LOWERLAYER)?DOWN, veth1 DOWN$/,
  },
  {
    how: "an address is missing",
    before: "veth/addresses",
    make: commands(
      "B",
      "ip address del 192.168.1.2/24 dev veth1",
      "ip address add 192.168.1.2/24 dev veth1",
    ),
    reads: "A: 192.168.1.1/24; B: none",
  },
  {
    how: "a firewall eats one direction's requests",
    before: "veth/ping",
    make: async (site) => {
      const rule =
        "add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in icmp type echo-request drop";
      await site.runOk("nft", [rule], { namespace: "B" });
      return () => site.runOk("nft", ["delete table ip t"], { namespace: "B" });
    },
    reads: /A to 192\.168\.1\.2: 1 packets transmitted, 0 received/,
  },
];

afterAll(async () => {
  expect(await leftovers()).toEqual([]);
});

test("a healthy machine passes every check, and the site is clean afterwards", () =>
  inSite(async (site) => {
    const checks = await checkVeth(site);
    expect(failed(checks)).toEqual([]);
    expect([...new Set(BREAKS.map((one) => one.before))]).toEqual(checks.map((check) => check.id));
    expect(await site.runOk("ip", ["netns", "list"])).toBe("");
  }));

describe.concurrent("broken on purpose, exactly the right check fails", () => {
  test.for(BREAKS)("$before: $how", ({ before, make, reads }, { expect }) =>
    inSite(async (site) => {
      const checks = await checkVeth(site, {
        between: async (next) => (next === before ? make(site) : undefined),
      });
      expect(failed(checks)).toEqual([before]);
      expect(observed(checks, before)).toMatch(reads);
    }),
  );
});

test("one end that never comes up takes down what rests on it, and nothing else", () =>
  inSite(async (site) => {
    const checks = await checkVeth(site, {
      between: async (next) => {
        if (next === "veth/up")
          await site.runOk("ip", ["link", "del", "veth1"], { namespace: "B" });
        return undefined;
      },
    });
    expect(failed(checks)).toEqual(["veth/up", "veth/addresses", "veth/ping"]);
  }));

test("the host's own devices are never touched", async () => {
  await expect(checkVeth(hostSite)).rejects.toThrow("private site");
});
