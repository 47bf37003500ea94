import type { Check } from "../../document/run.ts";
import { ToolError } from "../../system/errors.ts";
import type { Site } from "../../system/site.ts";
import { removeNamespaces, requirePrivate } from "./netns.ts";
import { ping } from "./ping.ts";
import { findLink, listed, readAddresses, readUntil, shownLinks } from "./read.ts";
import { type ClimbOptions, climb, type Observation, type Step } from "./step.ts";

/** Where each end goes, and its address there: the walk's. */
const ENDS = [
  { namespace: "A", device: "veth0", address: "192.168.1.1/24" },
  { namespace: "B", device: "veth1", address: "192.168.1.2/24" },
] as const;
const [END_A, END_B] = ENDS;
type End = (typeof ENDS)[number];

/** Operational states follow by a worker (linkwatch), not with the command. */
const STATE_LIMIT_MS = 2_000;

/**
 * The second rung: what a veth pair is. The pair is made in a namespace called `host` that stands
 * in for the host, so that the host's own devices are never touched.
 */
export async function checkVeth(site: Site, options: ClimbOptions = {}): Promise<Check[]> {
  requirePrivate(site);
  try {
    return await climb(vethSteps(site), options);
  } finally {
    await removeNamespaces(site, ["host", "A", "B"]);
  }
}

function vethSteps(site: Site): Step[] {
  return [
    {
      id: "veth/pair",
      title: "A veth pair is two devices, each naming the other",
      command: "ip -n host link add veth0 type veth peer name veth1; ip -n host link",
      expected: "veth0@veth1 and veth1@veth0",
      prepare: async () => {
        for (const name of ["host", "A", "B"]) await site.runOk("ip", ["netns", "add", name]);
        await ip(site, "host", "link add veth0 type veth peer name veth1");
      },
      observe: () => pair(site),
    },
    {
      id: "veth/moved",
      title: "Each end can live in a namespace of its own",
      command:
        "ip -n host link set veth0 netns A; ip -n host link set veth1 netns B; for ns in host A B; do ip -n $ns link; done",
      expected: "A: lo, veth0; B: lo, veth1; host: lo",
      prepare: async () => {
        for (const end of ENDS) {
          await ip(site, "host", `link set ${end.device} netns ${end.namespace}`);
        }
      },
      observe: () => moved(site),
    },
    {
      id: "veth/peers",
      title: "Each end names the other's ifindex and namespace",
      command: "ip -n A link show veth0; ip -n B link show veth1",
      expected: "A: veth0@if<veth1's ifindex> link-netns B; B: veth1@if<veth0's> link-netns A",
      observe: () => peers(site),
    },
    {
      id: "veth/down",
      title: "Both ends start DOWN",
      command: "ip -n A link show veth0; ip -n B link show veth1",
      expected: "veth0 DOWN, veth1 DOWN",
      observe: () => states(site, "DOWN", "DOWN"),
    },
    {
      id: "veth/lower-layer-down",
      title: "One end that is up alone is LOWERLAYERDOWN",
      command: `${typed(END_A)}; ip -n A link show veth0`,
      expected: "veth0 LOWERLAYERDOWN, veth1 DOWN",
      prepare: () => bringUp(site, END_A),
      observe: () => states(site, "LOWERLAYERDOWN", "DOWN"),
    },
    {
      id: "veth/up",
      title: "Both ends are UP once both have been set up",
      command: `${typed(END_B)}; ip -n A link show veth0; ip -n B link show veth1`,
      expected: "veth0 UP, veth1 UP",
      prepare: () => bringUp(site, END_B),
      observe: () => states(site, "UP", "UP"),
    },
    {
      id: "veth/addresses",
      title: "Each end has its address",
      command: "ip -n A address show veth0; ip -n B address show veth1",
      expected: "A: 192.168.1.1/24; B: 192.168.1.2/24",
      observe: () => addresses(site),
    },
    {
      id: "veth/ping",
      title: "Both ends answer each other's ping",
      command: "ip netns exec A ping -c 1 192.168.1.2; ip netns exec B ping -c 1 192.168.1.1",
      expected: "an answer in both directions",
      observe: () => pings(site),
    },
  ];
}

function ip(site: Site, namespace: string, words: string): Promise<string> {
  return site.runOk("ip", words.split(" "), { namespace });
}

async function bringUp(site: Site, end: End): Promise<void> {
  await ip(site, end.namespace, `address add ${end.address} dev ${end.device}`);
  await ip(site, end.namespace, `link set ${end.device} up`);
  await ip(site, end.namespace, "link set lo up");
}

function typed(end: End): string {
  const enter = `ip -n ${end.namespace}`;
  return `${enter} address add ${end.address} dev ${end.device}; ${enter} link set ${end.device} up`;
}

async function pair(site: Site): Promise<Observation> {
  const links = await shownLinks(site, "host");
  const seen = links
    .filter((link) => link.ifname !== "lo")
    .map((link) => `${link.ifname}@${link.link ?? "nothing"}`);
  return {
    passed: seen.includes("veth0@veth1") && seen.includes("veth1@veth0"),
    observed: listed(seen),
  };
}

async function moved(site: Site): Promise<Observation> {
  const names = async (namespace: string) =>
    (await shownLinks(site, namespace)).map((link) => link.ifname);
  const [a, b, host] = [await names("A"), await names("B"), await names("host")];
  const left = host.filter((name) => name.startsWith("veth"));
  return {
    passed: a.includes("veth0") && b.includes("veth1") && left.length === 0,
    observed: `A: ${listed(a)}; B: ${listed(b)}; host: ${listed(host)}`,
  };
}

/** What each end says of the other is held against what the other namespace says of itself. */
async function peers(site: Site): Promise<Observation> {
  const [a, b] = [await readEnd(site, END_A), await readEnd(site, END_B)];
  const expected = `A: veth0@if${b.ifindex} link-netns B; B: veth1@if${a.ifindex} link-netns A`;
  const observed = `A: ${says(a)}; B: ${says(b)}`;
  return { passed: observed === expected, expected, observed };
}

async function readEnd(site: Site, end: End): Promise<LinkLine> {
  const words = ["-o", "link", "show", "dev", end.device];
  const text = await site.runOk("ip", words, { namespace: end.namespace });
  const line = parseLinkLine(text);
  if (line === null) throw new ToolError("ip", `ip did not print a link but: ${text.slice(0, 80)}`);
  return line;
}

function says(end: LinkLine): string {
  return `${end.name}@${end.peer ?? "nothing"} link-netns ${end.peerNamespace ?? "unknown"}`;
}

async function states(site: Site, wantedA: string, wantedB: string): Promise<Observation> {
  const read = async () => {
    const a = await findLink(site, END_A.namespace, END_A.device);
    const b = await findLink(site, END_B.namespace, END_B.device);
    return `veth0 ${a.operstate}, veth1 ${b.operstate}`;
  };
  const wanted = `veth0 ${wantedA}, veth1 ${wantedB}`;
  const observed = await readUntil(read, (reading) => reading === wanted, STATE_LIMIT_MS);
  return { passed: observed === wanted, observed };
}

async function addresses(site: Site): Promise<Observation> {
  const a = await readAddresses(site, END_A.namespace, END_A.device);
  const b = await readAddresses(site, END_B.namespace, END_B.device);
  return {
    passed: a.includes(END_A.address) && b.includes(END_B.address),
    observed: `A: ${listed(a)}; B: ${listed(b)}`,
  };
}

async function pings(site: Site): Promise<Observation> {
  const fromA = await ping(site, "A", "192.168.1.2");
  const fromB = await ping(site, "B", "192.168.1.1");
  return {
    passed: fromA.answered && fromB.answered,
    observed: `A to 192.168.1.2: ${fromA.said}; B to 192.168.1.1: ${fromB.said}`,
  };
}

export interface LinkLine {
  ifindex: number;
  name: string;
  /** What the name is joined with: `veth1` in the same namespace, `if875` in another. */
  peer: string | null;
  /** The peer's namespace, which `ip -j` does not name. */
  peerNamespace: string | null;
}

/** Reads one line of `ip -o link`; null when it is none. */
export function parseLinkLine(line: string): LinkLine | null {
  const match = /^(\d+): ([^\s@]+)(?:@(\S+))?: </.exec(line);
  if (match === null) return null;
  const [, ifindex = "", name = "", peer] = match;
  return {
    ifindex: Number(ifindex),
    name,
    peer: peer ?? null,
    peerNamespace: / link-netns (\S+)/.exec(line)?.[1] ?? null,
  };
}
