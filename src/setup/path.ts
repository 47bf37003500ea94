import { dumpAddresses } from "../bridge/addresses.ts";
import { dumpLinks, IFF } from "../bridge/links.ts";
import { BridgescopeError, ToolError } from "../system/errors.ts";
import { dumpNeighbours } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import type { NetworkNamespace } from "../system/netns.ts";
import type { Site } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { withoutPrefix } from "./network.ts";
import { parseRows, type RouteRow, routeRow } from "./rows.ts";

/** A device with the IPv4 address that others reach it by. */
export interface Addressed {
  device: string;
  ifindex: number;
  /** Link-layer address. */
  mac: string;
  mtu: number;
  /** With prefix length. */
  address: string;
  /** It asks nobody for link-layer addresses (IFF_NOARP). */
  noArp: boolean;
}

/** How h1 of a site reaches h2, by h1's own routes. */
export interface Path {
  from: Addressed;
  to: Addressed;
  gateway: string | null;
}

/** Throws a sentence that says what is missing. `called` is what it calls the two ends, h1 and h2 of the site. */
export async function pathBetween(
  site: Site,
  ends: readonly [NetworkNamespace, NetworkNamespace],
  called: readonly [string, string],
): Promise<Path> {
  const ours = addressedDevices(ends[0], called[0]);
  const theirs = addressedDevices(ends[1], called[1]);
  const refusals: string[] = [];
  const paths: Path[] = [];
  for (const to of theirs) {
    const target = withoutPrefix(to.address);
    const route = await routeTo(site, "h1", target);
    if (typeof route === "string") {
      refusals.push(`${called[0]} has no route to ${target} of ${called[1]} (${route})`);
      continue;
    }
    const from = ours.find(
      (one) => one.device === route.dev && withoutPrefix(one.address) === route.prefsrc,
    );
    if (from === undefined) {
      refusals.push(
        `${called[0]} would send to ${target} of ${called[1]} by ${route.dev} from ${route.prefsrc}, which is no address of that device`,
      );
      continue;
    }
    paths.push({ from, to, gateway: route.gateway ?? route.via?.host ?? null });
  }
  // A network that both are in is what connects them, whatever else is routed.
  const best = paths.find(({ gateway }) => gateway === null) ?? paths[0];
  if (best === undefined) throw new BridgescopeError(refusals.map(printable).join("; "));
  return best;
}

function addressedDevices(end: NetworkNamespace, called: string): Addressed[] {
  const [all, addresses] = withDumpSocket(end, (fd) => [dumpLinks(fd), dumpAddresses(fd)]);
  const links = all.filter(({ flags }) => (flags & IFF.loopback) === 0);
  const found = links.flatMap(({ name, ifindex, address, mtu, flags }) =>
    addresses
      .filter((one) => one.ifindex === ifindex && one.family === "ip4")
      .map(({ ip, prefixLength }) => ({
        device: name,
        ifindex,
        mac: address,
        mtu,
        address: `${ip}/${prefixLength}`,
        noArp: (flags & IFF.noArp) !== 0,
      })),
  );
  if (found.length > 0) return found;
  const names = links.map(({ name, up }) => `${name}${up ? "" : ", down"}`);
  throw new BridgescopeError(
    links.length === 0
      ? `${called} is not connected: it has no network device but lo`
      : `${called} is not connected: no device of it has an IPv4 address (${printable(names.join("; "))})`,
  );
}

/** The kernel's route, or why there is none. */
export async function routeTo(
  site: Site,
  part: string,
  target: string,
): Promise<RouteRow | string> {
  const result = await site.run("ip", ["-j", "route", "get", target], { namespace: part });
  if (result.exitCode !== 0) {
    const said = printable(result.stderr.trim().split("\n")[0] ?? "");
    return said.replace(/^RTNETLINK answers: /, "") || `ip route get ended with ${result.exitCode}`;
  }
  const [route] = parseRows("ip", result.stdout, routeRow);
  if (route === undefined) throw new ToolError("ip", "ip -j route get printed no route");
  if (route.type === "local") return "it has that address itself";
  return route.type === "unicast" ? route : `the route is ${printable(route.type)}`;
}

/** The link-layer address that an end knows for a neighbour on a device; null where it knows none. */
export function neighbourOf(end: NetworkNamespace, address: string, device: number): string | null {
  const entries = withDumpSocket(end, dumpNeighbours);
  return entries.find((one) => one.ip === address && one.ifindex === device)?.address ?? null;
}

const ETHERNET = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** The link-layer address that h1 sends to for h2, once they have spoken; empty where the device is no Ethernet. */
export function nextHopOf(end: NetworkNamespace, { from, to, gateway }: Path): string {
  if (!ETHERNET.test(from.mac)) return "";
  // arp_constructor takes the device's own address then.
  if (from.noArp) return from.mac;
  const address = gateway ?? withoutPrefix(to.address);
  const found = neighbourOf(end, address, from.ifindex);
  if (found !== null) return found;
  throw new BridgescopeError(
    `the kernel has no neighbour entry for ${address} on ${printable(from.device)} of h1`,
  );
}
