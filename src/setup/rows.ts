/**
 * What iproute2 and bridge(8) print with -j, as far as their own words are shown to a person: a list of rows, each of
 * which is checked. All else is read by src/bridge.
 */
import { z } from "zod";
import { parseToolJson } from "../system/command.ts";
import type { Site } from "../system/site.ts";

/** `ip link` and `ip address`. */
export const linkRow = z.object({
  ifname: z.string(),
  /** Name of the other end, where it is in the same namespace. */
  link: z.string().nullish(),
  operstate: z.string().default("UNKNOWN"),
  flags: z.array(z.string()).default([]),
  addr_info: z.array(z.object({ local: z.string(), prefixlen: z.int() })).default([]),
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

/** `bridge fdb`. A port's entry without a master is the device's own address filter. */
export const fdbRow = z.object({
  mac: z.string(),
  ifname: z.string(),
  master: z.string().optional(),
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
