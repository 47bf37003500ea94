/** What iproute2 and bridge(8) print with -j, as far as we read it: a list of rows, each of which is checked. */
import { z } from "zod";
import { parseToolJson } from "../system/command.ts";
import type { Site } from "../system/site.ts";

const scalar = z.union([z.string(), z.number(), z.boolean()]);
export type Scalars = Record<string, z.infer<typeof scalar>>;

/** What is a word, a number or a switch; lists and objects within are left out. */
const scalars = z.record(z.string(), z.unknown()).transform((data) => {
  const kept = Object.entries(data).filter(([, value]) => scalar.safeParse(value).success);
  return Object.fromEntries(kept) as Scalars;
});

/** `ip link` and `ip address`, with -d or without. */
export const linkRow = z.object({
  ifname: z.string(),
  ifindex: z.int(),
  /** Index of the other end, in its namespace. */
  link_index: z.int().optional(),
  /** Name of the other end, where it is in the same namespace. */
  link: z.string().nullish(),
  /** Name of the bridge that it is a port of. */
  master: z.string().optional(),
  address: z.string().default(""),
  mtu: z.int(),
  qdisc: z.string().default("none"),
  operstate: z.string().default("UNKNOWN"),
  flags: z.array(z.string()).default([]),
  xdp: z.unknown().optional(),
  linkinfo: z
    .object({
      info_kind: z.string().optional(),
      info_data: scalars.optional(),
      info_slave_kind: z.string().optional(),
      info_slave_data: scalars.optional(),
    })
    .optional(),
  addr_info: z
    .array(z.object({ family: z.string(), local: z.string(), prefixlen: z.int() }))
    .default([]),
});
export type LinkRow = z.infer<typeof linkRow>;

/** `ip route`, and `ip route get`. */
export const routeRow = z.object({
  type: z.string().default("unicast"),
  dst: z.string().optional(),
  dev: z.string().default(""),
  prefsrc: z.string().optional(),
  gateway: z.string().optional(),
  /** A gateway of the other address family. */
  via: z.object({ host: z.string() }).optional(),
});
export type RouteRow = z.infer<typeof routeRow>;

/** `ip neighbour`. */
export const neighbourRow = z.object({
  lladdr: z.string().optional(),
  state: z.array(z.string()),
});

/** `bridge fdb`. A port's entry without a master is the device's own address filter. */
export const fdbRow = z.object({
  mac: z.string(),
  ifname: z.string(),
  vlan: z.int().optional(),
  master: z.string().optional(),
  state: z.string().default(""),
  flags: z.array(z.string()).default([]),
});

/** `bridge vlan`: a port's, each a VLAN or the first of a range. */
export const vlanRow = z.object({
  ifname: z.string(),
  vlans: z.array(z.object({ vlan: z.int() })),
});

/** Throws a ToolError that names the tool, the row and what is wrong with it. */
export function parseRows<S extends z.ZodType>(tool: string, text: string, row: S): z.infer<S>[] {
  // iproute2 prints nothing at all for an empty list of some objects, and empty objects for what a filter leaves out.
  const rows = z.preprocess(
    (value) => (Array.isArray(value) ? value.filter((one) => !isEmpty(one)) : value),
    z.array(row),
  );
  return parseToolJson(tool, text.trim() === "" ? "[]" : text, rows);
}

function isEmpty(row: unknown): boolean {
  return typeof row === "object" && row !== null && Object.keys(row).length === 0;
}

/** Asks a tool in a namespace of the site; `words` begin with its options, -j among them. */
export async function readRows<S extends z.ZodType>(
  site: Site,
  namespace: string,
  tool: string,
  words: readonly string[],
  row: S,
): Promise<z.infer<S>[]> {
  return parseRows(tool, await site.runOk(tool, words, { namespace }), row);
}
