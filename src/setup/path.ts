import { BridgescopeError, ToolError } from "../system/errors.ts";
import type { Site } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { withoutPrefix } from "./network.ts";
import {
  type LinkRow,
  linkRow,
  neighbourRow,
  parseRows,
  type RouteRow,
  readRows,
  routeRow,
} from "./rows.ts";

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

/** Throws a sentence that says what is missing. `called` is what it calls the two. */
export async function pathBetween(site: Site, called: readonly [string, string]): Promise<Path> {
  const ours = await addressedDevices(site, "h1", called[0]);
  const theirs = await addressedDevices(site, "h2", called[1]);
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

async function addressedDevices(site: Site, part: string, called: string): Promise<Addressed[]> {
  const links = (await readRows(site, part, "ip", ["-j", "address", "show"], linkRow)).filter(
    ({ flags }) => !flags.includes("LOOPBACK"),
  );
  const found = links.flatMap(addressesOf);
  if (found.length > 0) return found;
  const names = links.map(
    ({ ifname, flags }) => `${ifname}${flags.includes("UP") ? "" : ", down"}`,
  );
  throw new BridgescopeError(
    links.length === 0
      ? `${called} is not connected: it has no network device but lo`
      : `${called} is not connected: no device of it has an IPv4 address (${printable(names.join("; "))})`,
  );
}

function addressesOf({ ifname, ifindex, address, mtu, flags, addr_info }: LinkRow): Addressed[] {
  return addr_info
    .filter(({ family }) => family === "inet")
    .map(({ local, prefixlen }) => ({
      device: ifname,
      ifindex,
      mac: address,
      mtu,
      address: `${local}/${prefixlen}`,
      noArp: flags.includes("NOARP"),
    }));
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

/** What h1 knows of a neighbour on a device; null when it never asked. */
export async function neighbourOf(site: Site, address: string, device: string) {
  const family = address.includes(":") ? "-6" : "-4";
  const words = [family, "-j", "neighbour", "show", "to", address, "dev", device];
  const [entry] = await readRows(site, "h1", "ip", words, neighbourRow);
  return entry ?? null;
}

const ETHERNET = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** The link-layer address that h1 sends to for h2, once they have spoken; empty where the device is no Ethernet. */
export async function nextHopOf(site: Site, { from, to, gateway }: Path): Promise<string> {
  if (!ETHERNET.test(from.mac)) return "";
  // arp_constructor takes the device's own address then.
  if (from.noArp) return from.mac;
  const address = gateway ?? withoutPrefix(to.address);
  const entry = await neighbourOf(site, address, from.device);
  if (entry?.lladdr !== undefined) return entry.lladdr;
  throw new ToolError("ip", `ip shows no neighbour entry for ${address} on ${from.device} of h1`);
}
