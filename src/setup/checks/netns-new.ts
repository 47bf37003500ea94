import { statSync } from "node:fs";
import type { Site } from "../../system/site.ts";
import { describeRules, readFirewall } from "./firewall.ts";
import { parseMountinfo } from "./mountinfo.ts";
import { ping } from "./ping.ts";
import { findLink, listed, readLinks, readUntil } from "./read.ts";
import type { Observation, Step } from "./step.ts";

const PATH = "/run/netns/test";

/** Devices that tunnel modules put into every namespace (net.core.fb_tunnels_only_for_init_net). */
const FALLBACK_TUNNELS = new Set(
  "tunl0 gre0 gretap0 erspan0 ip_vti0 sit0 ip6tnl0 ip6gre0 ip6gretap0 ip6erspan0 ip6_vti0".split(
    " ",
  ),
);

/** A new namespace: what holds it, and what it starts with. */
export function netnsNew(site: Site): Step[] {
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
        const names = (await readLinks(site, "test")).map((link) => link.ifname);
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
