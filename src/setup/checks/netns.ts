import { existsSync, statSync } from "node:fs";
import type { Check } from "../../document/run.ts";
import { bind, close, SystemCallError, socket } from "../../system/libc.ts";
import {
  closeNamespace,
  inNamespace,
  type NetworkNamespace,
  openNamespace,
} from "../../system/netns.ts";
import type { Site } from "../../system/site.ts";
import { AF_INET } from "../../system/uapi.ts";
import { addRule, describeRules, readFirewall } from "./firewall.ts";
import { parseMountinfo } from "./mountinfo.ts";
import { ping } from "./ping.ts";
import { findLink, listed, readAddresses, readRoutes, readUntil, shownLinks } from "./read.ts";
import { type ClimbOptions, climb, type Observation, type Step } from "./step.ts";

/**
 * The first rung: what a network namespace is. Takes the walk's steps itself, with the names
 * `test`, `A` and `B`, so the site must be a private one; nothing of them is left.
 */
export async function checkNetns(site: Site, options: ClimbOptions = {}): Promise<Check[]> {
  requirePrivate(site);
  const end = netnsEnd(site);
  try {
    return await climb([...netnsNew(site), ...netnsOwn(site), ...end.steps], options);
  } finally {
    end.release();
    await removeNamespaces(site, ["test", "A", "B"]);
  }
}

/** The rungs use the walk's short names: on the host they could be somebody's. */
export function requirePrivate(site: Site): void {
  if (site.kind !== "private") throw new Error("the ladder is climbed in a private site");
}

/** Removes those that are there; the site's end takes care of what this cannot. */
export async function removeNamespaces(site: Site, names: readonly string[]): Promise<void> {
  for (const name of names) await site.run("ip", ["netns", "del", name]).catch(() => {});
}

const PATH = "/run/netns/test";

/** Devices that tunnel modules put into every namespace (net.core.fb_tunnels_only_for_init_net). */
const FALLBACK_TUNNELS = new Set(
  "tunl0 gre0 gretap0 erspan0 ip_vti0 sit0 ip6tnl0 ip6gre0 ip6gretap0 ip6erspan0 ip6_vti0".split(
    " ",
  ),
);

/** A new namespace: what holds it, and what it starts with. */
function netnsNew(site: Site): Step[] {
  return [
    {
      id: "netns/nsfs-mount",
      title: "A named namespace is an nsfs mount under /run/netns",
      command: `ip netns add test; findmnt -n -o FSTYPE,SOURCE ${PATH}`,
      expected: `nsfs on ${PATH}`,
      prepare: () => site.runOk("ip", ["netns", "add", "test"]),
      observe: () => namedByMount(site),
    },
    {
      id: "netns/empty-file",
      title: "The mount lies on an empty regular file",
      command: `unshare --mount sh -c 'umount ${PATH}; stat -c %F ${PATH}'`,
      expected: "regular empty file",
      observe: () => underTheMount(site),
    },
    {
      id: "netns/only-lo",
      title: "A new namespace has no device but lo",
      command: "ip -n test link",
      expected: "lo",
      observe: async () => {
        const names = (await shownLinks(site, "test")).map((link) => link.ifname);
        const others = names.filter((name) => name !== "lo" && !FALLBACK_TUNNELS.has(name));
        return { passed: names.includes("lo") && others.length === 0, observed: listed(names) };
      },
    },
    {
      id: "netns/lo-down",
      title: "Its lo is DOWN",
      command: "ip -n test link show lo",
      expected: "lo DOWN <LOOPBACK>",
      observe: async () => {
        const lo = await findLink(site, "test", "lo");
        return {
          passed: lo.operstate === "DOWN" && !lo.flags.includes("UP"),
          observed: `lo ${lo.operstate} <${lo.flags.join(",")}>`,
        };
      },
    },
    {
      id: "netns/no-firewall-rules",
      title: "A new namespace has no firewall rules",
      command: "ip netns exec test nft list ruleset",
      expected: "no rules",
      observe: async () => {
        const rules = await readFirewall(site, "test");
        return { passed: rules.length === 0, observed: describeRules(rules) };
      },
    },
    {
      id: "netns/loopback-unreachable",
      title: "With lo DOWN not even 127.0.0.1 can be reached",
      command: "ip netns exec test ping -c 1 127.0.0.1",
      expected: "ping: connect: Network is unreachable",
      observe: async () => {
        const answer = await ping(site, "test", "127.0.0.1");
        return {
          passed: !answer.answered && answer.said.includes("Network is unreachable"),
          observed: answer.said,
        };
      },
    },
    {
      id: "netns/loopback-answers",
      title: "Once lo is up, 127.0.0.1 answers",
      command: "ip -n test link set lo up; ip netns exec test ping -c 1 127.0.0.1",
      expected: "an answer",
      prepare: () => site.runOk("ip", ["link", "set", "lo", "up"], { namespace: "test" }),
      observe: async () => {
        const answer = await ping(site, "test", "127.0.0.1");
        return { passed: answer.answered, observed: answer.said };
      },
    },
    {
      id: "netns/lo-unknown",
      title: "lo that is up reads UP and its operational state UNKNOWN",
      command: "ip -n test link show lo",
      expected: "lo UNKNOWN <LOOPBACK,UP,LOWER_UP>",
      observe: () => loUp(site),
    },
  ];
}

async function namedByMount(site: Site): Promise<Observation> {
  const { inode, isFile } = identity(`${site.netnsFolder}/test`);
  const mounts = parseMountinfo(await site.runOk("cat", ["/proc/self/mountinfo"]));
  const mount = mounts.find((one) => one.mountPoint === PATH);
  return {
    passed: isFile && mount?.type === "nsfs" && mount.root === `net:[${inode}]`,
    expected: `nsfs net:[${inode}] on ${PATH}`,
    observed:
      mount === undefined ? `no mount on ${PATH}` : `${mount.type} ${mount.root} on ${PATH}`,
  };
}

function identity(path: string): { inode: number; isFile: boolean } {
  const stat = statSync(path);
  return { inode: stat.ino, isFile: stat.isFile() };
}

/** The mount is taken off in a mount namespace of the look's own, where nobody else misses it. */
async function underTheMount(site: Site): Promise<Observation> {
  const look = 'umount "$1" && exec stat -c %F "$1"';
  const found = await site.runOk("unshare", ["--mount", "sh", "-c", look, "look", PATH]);
  return { passed: found.trim() === "regular empty file", observed: found.trim() };
}

async function loUp(site: Site): Promise<Observation> {
  const lo = await readUntil(
    () => findLink(site, "test", "lo"),
    (link) => link.operstate === "UNKNOWN",
    1000,
  );
  return {
    passed: lo.operstate === "UNKNOWN" && lo.flags.includes("UP"),
    observed: `lo ${lo.operstate} <${lo.flags.join(",")}>`,
  };
}

const ADDRESS = "192.168.1.1/24";
const ROUTE = "192.168.2.0/24";
const PORT = 80;

/** What two namespaces do not share: each fact is made in A and looked for in B. */
function netnsOwn(site: Site): Step[] {
  const inA = { namespace: "A" };
  const ip = (...words: string[]) => site.runOk("ip", words, inA);
  return [
    {
      id: "netns/own-devices",
      title: "A namespace has devices of its own",
      command: "ip -n A link add own0 type veth peer name own1; ip -n A link; ip -n B link",
      expected: "own0 in A, not in B",
      prepare: async () => {
        await site.runOk("ip", ["netns", "add", "A"]);
        await site.runOk("ip", ["netns", "add", "B"]);
        await ip("link", "add", "own0", "type", "veth", "peer", "name", "own1");
      },
      observe: () =>
        onlyInA("own0", async (namespace) =>
          (await shownLinks(site, namespace)).map((link) => link.ifname),
        ),
    },
    {
      id: "netns/own-addresses",
      title: "A namespace has addresses of its own",
      command: `ip -n A address add ${ADDRESS} dev own0; ip -n A address; ip -n B address`,
      expected: `${ADDRESS} in A, not in B`,
      prepare: () => ip("address", "add", ADDRESS, "dev", "own0"),
      observe: () => onlyInA(ADDRESS, (namespace) => readAddresses(site, namespace)),
    },
    {
      id: "netns/own-routes",
      title: "A namespace has routes of its own",
      command: `ip -n A route add ${ROUTE} dev own0; ip -n A route; ip -n B route`,
      expected: `${ROUTE} in A, not in B`,
      prepare: async () => {
        await ip("link", "set", "own0", "up");
        await ip("route", "add", ROUTE, "dev", "own0");
      },
      observe: () => onlyInA(ROUTE, (namespace) => readRoutes(site, namespace)),
    },
    {
      id: "netns/own-firewall",
      title: "A namespace has a firewall of its own",
      command:
        "ip netns exec A nft 'add table inet own; add chain inet own idle; add rule inet own idle drop'; ip netns exec B nft list ruleset",
      expected: "a rule in A, none in B",
      prepare: () => addRule(site, "A"),
      observe: async () => {
        const a = await readFirewall(site, "A");
        const b = await readFirewall(site, "B");
        return {
          passed: a.length > 0 && b.length === 0,
          observed: `A: ${describeRules(a)}; B: ${describeRules(b)}`,
        };
      },
    },
    {
      id: "netns/same-port",
      title: "The same TCP port can be bound in two namespaces at once, and only once in each",
      command: `for ns in A B A; do ip netns exec $ns nc -l -p ${PORT} & done`,
      expected: `port ${PORT}: bound in A, bound in B, in A again EADDRINUSE`,
      observe: async () => samePort(site),
    },
  ];
}

async function onlyInA(
  wanted: string,
  read: (namespace: string) => Promise<string[]>,
): Promise<Observation> {
  const a = await read("A");
  const b = await read("B");
  return {
    passed: a.includes(wanted) && !b.includes(wanted),
    observed: `A: ${listed(a)}; B: ${listed(b)}`,
  };
}

function samePort(site: Site): Observation {
  const sockets: number[] = [];
  try {
    const first = bindPort(site, "A", sockets);
    const other = bindPort(site, "B", sockets);
    const again = bindPort(site, "A", sockets);
    return {
      passed: first === "bound" && other === "bound" && again === "EADDRINUSE",
      observed: `port ${PORT}: ${first} in A, ${other} in B, in A again ${again}`,
    };
  } finally {
    for (const fd of sockets) close(fd);
  }
}

const SOCK_STREAM = 1;

function bindPort(site: Site, name: string, sockets: number[]): string {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(PORT, 2);
  const namespace = openNamespace(site.netnsFolder, name);
  try {
    const fd = inNamespace(namespace, () => socket(AF_INET, SOCK_STREAM, 0));
    sockets.push(fd);
    bind(fd, address);
    return "bound";
  } catch (error) {
    if (error instanceof SystemCallError) return error.code;
    throw error;
  } finally {
    closeNamespace(namespace);
  }
}

/** One worker (cleanup_net) takes namespaces apart, whole machine wide: it may be busy with others'. */
const RECLAIM_LIMIT_MS = 5_000;

/**
 * How a namespace ends. The kernel takes its devices apart when the last reference goes, so the
 * other end of a veth pair, kept in A, tells from outside whether it has.
 */
function netnsEnd(site: Site): { steps: Step[]; release(): void } {
  let reference: NetworkNamespace | null = null;
  const release = () => {
    if (reference !== null) closeNamespace(reference);
    reference = null;
  };
  const steps: Step[] = [
    {
      id: "netns/deleted",
      title: "`ip netns del` takes the mount and its file away",
      command: "ip netns del test; ip netns list; ls /run/netns",
      expected: "no test in the list, no file",
      prepare: async () => {
        const pair = "link add watch type veth peer name watched netns test".split(" ");
        await site.runOk("ip", pair, { namespace: "A" });
        reference = openNamespace(site.netnsFolder, "test");
        await site.runOk("ip", ["netns", "del", "test"]);
      },
      observe: () => deleted(site),
    },
    {
      id: "netns/reclaimed",
      title: "The kernel reclaims a namespace once nothing refers to it",
      command:
        "exec 9</run/netns/test; ip netns del test; ip -n A link show watch; exec 9<&-; ip -n A link show watch",
      expected: "the veth into it lives while a descriptor is open and is gone after",
      observe: () => reclaimed(site, release),
    },
  ];
  return { steps, release };
}

async function deleted(site: Site): Promise<Observation> {
  const names = (await site.runOk("ip", ["netns", "list"]))
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name !== "");
  const file = existsSync(`${site.netnsFolder}/test`);
  return {
    passed: !names.includes("test") && !file,
    observed: `list: ${listed(names)}; ${file ? "the file is there" : "no file"}`,
  };
}

async function reclaimed(site: Site, release: () => void): Promise<Observation> {
  const read = async () => (await shownLinks(site, "A")).some((link) => link.ifname === "watch");
  const held = await read();
  release();
  const closed = performance.now();
  const left = await readUntil(read, (there) => !there, RECLAIM_LIMIT_MS);
  const waited = `${Math.round(performance.now() - closed)} ms`;
  const before = held ? "there while the descriptor was open" : "gone with the descriptor open";
  const after = left ? `still there ${waited} after it was closed` : `gone ${waited} after`;
  return { passed: held && !left, observed: `${before}, ${after}` };
}
