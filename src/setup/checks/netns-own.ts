import { bind, close, SystemCallError, socket } from "../../system/libc.ts";
import { closeNamespace, inNamespace, openNamespace } from "../../system/netns.ts";
import type { Site } from "../../system/site.ts";
import { addRule, describeRules, readFirewall } from "./firewall.ts";
import { listed, readAddresses, readLinks, readRoutes } from "./read.ts";
import type { Observation, Step } from "./step.ts";

const ADDRESS = "192.168.1.1/24";
const ROUTE = "192.168.2.0/24";
const PORT = 80;

/** What two namespaces do not share: each fact is made in A and looked for in B. */
export function netnsOwn(site: Site): Step[] {
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
          (await readLinks(site, namespace)).map((link) => link.ifname),
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

const AF_INET = 2;
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
