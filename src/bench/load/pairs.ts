import type { BuiltLab } from "../../setup/lab.ts";
import { withoutPrefix } from "../../setup/network.ts";
import { UsageError } from "../../system/errors.ts";
import type { InetAddress } from "../../system/inet-socket.ts";

/** One end of a connection, as a thread needs it to make its socket there. */
export interface End extends InetAddress {
  host: string;
  namespaceFd: number;
}

export interface Link {
  client: End;
  server: End;
}

const SERVER_PORT = 7007;
const CLIENT_PORT = 35_000;
/** Connections between the same two hosts: with UDP each has ports of its own, and the clients' end at 65,535. */
export const LINKS_A_PAIR = 25_000;

/** How many hosts talk to one another: each to one other, and a single host to itself. */
export function pairCount(hosts: number): number {
  return Math.max(1, Math.floor(hosts / 2));
}

/**
 * The hosts of a connection, by their place in the lab: pairs of neighbours, a new pair for every connection
 * until all hosts have one, then again from the start. An odd host stays out.
 */
export function pairOf(connection: number, hosts: number): { from: number; to: number } {
  const pair = connection % pairCount(hosts);
  return { from: 2 * pair, to: hosts === 1 ? 0 : 2 * pair + 1 };
}

/** The ends of so many connections. A TCP server has one port for all, and the kernel chooses its clients'. */
export function linksOf(lab: BuiltLab, protocol: "udp" | "tcp", connections: number): Link[] {
  const pairs = pairCount(lab.hosts.length);
  return Array.from({ length: connections }, (_, connection) => {
    const { from, to } = pairOf(connection, lab.hosts.length);
    const turn = protocol === "tcp" ? 0 : Math.floor(connection / pairs);
    const clientPort = protocol === "tcp" ? 0 : CLIENT_PORT + turn;
    return { client: endOf(lab, from, clientPort), server: endOf(lab, to, SERVER_PORT + turn) };
  });
}

/** Every TCP server once: where listeners belong. */
export function listeningEnds(links: readonly Link[]): End[] {
  return [...new Map(links.map(({ server }) => [server.host, server])).values()];
}

/** One connection of every two hosts that have one: enough for them to find each other. */
export function onePerPair(links: readonly Link[]): Link[] {
  return [...new Map(links.map((link) => [link.client.host, link])).values()];
}

/** How an error names a connection. */
export function nameOf({ client, server }: Link): string {
  return `${client.host} to ${server.host} (${server.address})`;
}

function endOf(lab: BuiltLab, index: number, port: number): End {
  const host = lab.hosts[index];
  if (host === undefined) throw new UsageError("the lab has no hosts");
  if (host.address === null) {
    throw new UsageError(`host ${host.name} has no IPv4 address, which this workload needs`);
  }
  return {
    host: host.name,
    address: withoutPrefix(host.address),
    port,
    namespaceFd: host.namespace.fd,
  };
}
