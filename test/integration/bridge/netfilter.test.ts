/** What filters a bridge's frames, beside what nft tells of the same rules. */
import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { placeOf } from "../../../src/bridge/find-namespace.ts";
import { readNetfilter } from "../../../src/bridge/netfilter.ts";
import { readBridge } from "../../../src/bridge/read-bridge.ts";
import type { BridgeState, FilterChain } from "../../../src/bridge/state.ts";
import { type Home, homes } from "../live/home.ts";

const { add, leave } = homes();
afterEach(leave);

const RULES = `
table inet fw {
 map states { type ct_state : verdict; elements = { invalid : drop, established : jump known }; }
 chain known {
  counter packets 3 bytes 300 accept comment "of a map"
 }
 chain end {
  ip saddr { 10.0.0.1, 10.0.0.2 } counter packets 5 bytes 500 reject
  counter packets 6 bytes 600
  goto final
 }
 chain final {
  ip6 daddr fd77::2 udp dport 53 counter packets 8 bytes 800 drop
 }
 chain forward {
  type filter hook forward priority 5; policy drop
  ct state vmap @states
  iifname "br0" oifname "br0" counter packets 1 bytes 100 accept
  iifname "eth9" counter packets 2 bytes 200 drop
  iifname != "br0" drop
  meta l4proto tcp jump end
 }
 chain input {
  type filter hook input priority 0; policy drop
  counter packets 9 bytes 900 drop
 }
}
table bridge guard {
 chain forward {
  type filter hook forward priority -10; policy accept
  iifname "p0" ether daddr 02:00:00:00:00:02 counter packets 4 bytes 400 drop
 }
}
table netdev ports {
 chain here {
  type filter hook ingress device "p0" priority 0; policy accept
  counter packets 7 bytes 700 drop
 }
 chain elsewhere {
  type filter hook ingress device "lo" priority 0; policy accept
  drop
 }
}
table ip sleeping {
 flags dormant
 chain forward {
  type filter hook forward priority 0; policy drop
 }
}
`;

async function filtered(rules: string): Promise<{ home: Home; state: () => Promise<BridgeState> }> {
  const home = await add();
  home.ip("link", "add", "br0", "type", "bridge");
  home.ip("link", "add", "other", "type", "bridge");
  home.ip("link", "add", "p0", "master", "br0", "type", "veth", "peer", "name", "p1");
  execFileSync("nsenter", [`--net=${home.path}`, "nft", "-f", "-"], { input: rules });
  return { home, state: async () => readBridge(await placeOf(home.path), "br0") };
}

function inHome(home: Home, ...words: string[]): string {
  return execFileSync("nsenter", [`--net=${home.path}`, ...words], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
}

interface NftRule {
  family: string;
  table: string;
  chain: string;
  handle: number;
  comment?: string;
  expr: Record<string, { packets?: number } | null>[];
}

/** Rules as nft lists them: where, how many packets, and by which word they decide. */
function listed(home: Home): Record<string, unknown>[] {
  const { nftables } = JSON.parse(inHome(home, "nft", "-j", "list", "ruleset"));
  return nftables.flatMap(({ rule }: { rule?: NftRule }) => {
    if (rule === undefined) return [];
    const words = rule.expr.flatMap((one) => Object.keys(one));
    const verdict = words.find((word) => /^(drop|accept|reject|jump|goto|vmap)$/.test(word));
    const packets = rule.expr.find((one) => "counter" in one)?.counter?.packets ?? null;
    const { family, table, chain, handle, comment = null } = rule;
    return verdict === undefined
      ? []
      : [{ family, table, chain, handle, verdict, frames: packets, comment }];
  });
}

function read(chains: readonly FilterChain[]): Record<string, unknown>[] {
  return chains.flatMap(({ family, table, name, rules }) =>
    rules.map(({ handle, verdict, frames, comment }) => ({
      ...{ family, table, chain: name, handle, verdict: verdict.split(" ")[0], frames, comment },
    })),
  );
}

const byHandle = (rules: Record<string, unknown>[]) =>
  rules.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

describe("the filters of a bridge", () => {
  it("are the chains that its frames pass, with what nft tells of their rules", async () => {
    const { home, state } = await filtered(RULES);
    const bridge = await state();
    expect(bridge.netfilterCalls?.sysctls).toEqual({ ip: true, ip6: true, arp: true });
    const filters = readNetfilter(bridge);
    if (filters === null) return expect.fail("nothing was read");
    const { chains, otherBridges } = filters;
    expect(otherBridges).toEqual(["other"]);
    expect(chains.map(({ table, name, hook, policy }) => [table, name, hook, policy])).toEqual([
      ["guard", "forward", "forward", "accept"],
      ["ports", "here", "ingress", "accept"],
      ["fw", "forward", "forward", "drop"],
      ["fw", "known", null, null],
      ["fw", "end", null, null],
      ["fw", "final", null, null],
    ]);
    const passed = listed(home).filter(
      ({ chain, handle, table }) =>
        chains.some((one) => one.name === chain && one.table === table) &&
        // Other devices than those that its frames have.
        !deviceRules(home).includes(`${table} ${handle}`),
    );
    expect(passed.length).toBeGreaterThan(6);
    expect(byHandle(read(chains))).toEqual(byHandle(passed));
    const rule = (frames: number) =>
      chains.flatMap(({ rules }) => rules).find((one) => one.frames === frames);
    expect(rule(1)).toMatchObject({ asks: [], aboutBridges: true, aboutAddresses: false });
    expect(rule(5)).toMatchObject({ asks: ["ip saddr"], aboutAddresses: true, drops: true });
    expect(rule(8)).toMatchObject({
      ...{ etherType: 0x86dd, protocol: 17 },
      addresses: [{ side: "destination", address: "fd77::2" }],
    });
    const [port] = bridge.ports;
    expect(rule(4)).toMatchObject({ in: [port?.ifindex], out: null, aboutBridges: true });
    expect(chains[2]?.rules[0]).toMatchObject({ verdict: "vmap", drops: true, leadsTo: ["known"] });
  });

  it("are none of the IP families where nothing hands frames to them", async () => {
    const { home, state } = await filtered(RULES);
    const tables = ["iptables", "ip6tables", "arptables"];
    for (const table of tables)
      inHome(home, "sysctl", "-qw", `net.bridge.bridge-nf-call-${table}=0`);
    const families = async () =>
      (readNetfilter(await state())?.chains ?? []).map(({ family }) => family);
    expect(await families()).toEqual(["bridge", "netdev"]);
    home.ip("link", "set", "br0", "type", "bridge", "nf_call_ip6tables", "1");
    expect((await state()).netfilterCalls).toMatchObject({ ip: false, ip6: true });
    expect(await families()).toContain("inet");
  });

  it("change with the counters and policies of iptables, and know who keeps rules there", async () => {
    const { home, state } = await filtered("");
    inHome(home, "iptables-nft", "-P", "FORWARD", "DROP");
    inHome(home, "iptables-nft", "-N", "DOCKER-USER");
    inHome(home, "iptables-legacy", "-P", "FORWARD", "ACCEPT");
    const filters = readNetfilter(await state());
    expect(filters).toMatchObject({
      keepers: ["Docker"],
      legacy: [{ family: "ip", table: "filter" }],
    });
    expect(filters?.chains).toMatchObject([{ name: "FORWARD", policy: "drop", policyFrames: 0 }]);
  });

  it("are none that can be read without CAP_NET_ADMIN", async () => {
    const { state } = await filtered("");
    const program = `
      const [{ readNetfilter }, { listPlaces }] = await Promise.all(
        ["netfilter", "places"].map((name) => import("${new URL("../../../dist/bridge/", import.meta.url)}" + name + ".js")));
      const place = listPlaces().find(({ own }) => own);
      console.log(readNetfilter({ ...JSON.parse(process.argv[1]), place }));`;
    const bare = ["--bounding-set=-all", "--inh-caps=-all"];
    const words = [...bare, process.execPath, "--input-type=module", "-e", program];
    const said = execFileSync("setpriv", [...words, JSON.stringify(await state())]);
    expect(String(said)).toBe("null\n");
  });

  it("of a chain of 50,000 rules are the first 20,000, and how many more there are", async () => {
    const rules = Array.from(
      { length: 50_000 },
      (_, index) => `  ip saddr 10.1.${index >> 8}.${index & 255} counter drop`,
    ).join("\n");
    const chain = (name: string, hook: string) =>
      ` chain ${name} {\n  type filter hook ${hook} priority 0\n${rules}\n }\n`;
    const { state } = await filtered(
      `table ip big {\n${chain("f", "forward")}${chain("i", "input")}}\n`,
    );
    const chains = readNetfilter(await state())?.chains ?? [];
    expect(chains.map(({ name, unread, rules: all }) => [name, all.length, unread])).toEqual([
      ["f", 20_000, 30_000],
    ]);
  });
});

/** Those that ask for a device which is not the bridge. */
function deviceRules(home: Home): string[] {
  const { nftables } = JSON.parse(inHome(home, "nft", "-j", "list", "ruleset"));
  return nftables.flatMap(({ rule }: { rule?: NftRule }) =>
    /eth9|"op":"!="[^}]*iifname/.test(JSON.stringify(rule ?? {}))
      ? [`${rule?.table} ${rule?.handle}`]
      : [],
  );
}
