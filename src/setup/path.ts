import { z } from "zod";
import { parseToolJson } from "../system/command.ts";
import { BridgescopeError, ToolError } from "../system/errors.ts";
import { printable } from "../system/printable.ts";
import type { Site } from "../system/site.ts";
import { withoutPrefix } from "./network.ts";

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

const linkSchema = z.object({
  ifname: z.string(),
  ifindex: z.int(),
  address: z.string().default(""),
  mtu: z.int(),
  flags: z.array(z.string()).default([]),
  addr_info: z
    .array(z.object({ family: z.string(), local: z.string(), prefixlen: z.int() }))
    .default([]),
});
type Link = z.infer<typeof linkSchema>;

const routeSchema = z.object({
  type: z.string().default("unicast"),
  dev: z.string(),
  prefsrc: z.string().optional(),
  gateway: z.string().optional(),
  /** A gateway of the other address family. */
  via: z.object({ host: z.string() }).optional(),
});

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
  const links = (await read(site, part, ["address", "show"], linkSchema)).filter(
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

function addressesOf({ ifname, ifindex, address, mtu, flags, addr_info }: Link): Addressed[] {
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
): Promise<z.infer<typeof routeSchema> | string> {
  const result = await site.run("ip", ["-j", "route", "get", target], { namespace: part });
  if (result.exitCode !== 0) {
    const said = printable(result.stderr.trim().split("\n")[0] ?? "");
    return said.replace(/^RTNETLINK answers: /, "") || `ip route get ended with ${result.exitCode}`;
  }
  const [route] = parsed(result.stdout, routeSchema);
  if (route === undefined) throw new ToolError("ip", "ip -j route get printed no route");
  if (route.type === "local") return "it has that address itself";
  return route.type === "unicast" ? route : `the route is ${printable(route.type)}`;
}

const neighbourSchema = z.object({ lladdr: z.string().optional(), state: z.array(z.string()) });

/** What h1 knows of a neighbour on a device; null when it never asked. */
export async function neighbourOf(site: Site, address: string, device: string) {
  const family = address.includes(":") ? "-6" : "-4";
  const words = ["neighbour", "show", "to", address, "dev", device];
  const [entry] = await read(site, "h1", words, neighbourSchema, [family]);
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

async function read<S extends z.ZodType>(
  site: Site,
  part: string,
  words: readonly string[],
  schema: S,
  options: readonly string[] = [],
): Promise<z.infer<S>[]> {
  const text = await site.runOk("ip", [...options, "-j", ...words], { namespace: part });
  return parsed(text, schema);
}

function parsed<S extends z.ZodType>(text: string, schema: S): z.infer<S>[] {
  // iproute2 prints nothing at all for an empty list of some objects, and empty objects for what a filter leaves out.
  const rows = parseToolJson("ip", text.trim() === "" ? "[]" : text);
  const checked = z
    .array(schema)
    .safeParse(
      Array.isArray(rows) ? rows.filter((row) => Object.keys(row ?? {}).length > 0) : rows,
    );
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw new ToolError("ip", `ip -j printed no list of what was asked: ${where} ${issue?.message}`);
}
