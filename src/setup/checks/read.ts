import { ToolError } from "../../system/errors.ts";
import type { Site } from "../../system/site.ts";
import { type LinkRow, linkRow, readRows, routeRow } from "../rows.ts";

/** The namespace's devices, as `ip -j link` names them. */
export async function shownLinks(site: Site, namespace: string): Promise<LinkRow[]> {
  return readRows(site, namespace, "ip", ["-j", "link"], linkRow);
}

export async function findLink(site: Site, namespace: string, name: string): Promise<LinkRow> {
  const link = (await shownLinks(site, namespace)).find((one) => one.ifname === name);
  if (link === undefined) throw new ToolError("ip", `namespace ${namespace} has no ${name}`);
  return link;
}

/** IPv4 addresses with their prefix lengths, of one device or of all. */
export async function readAddresses(
  site: Site,
  namespace: string,
  device?: string,
): Promise<string[]> {
  const words = ["-j", "-4", "address", "show", ...(device === undefined ? [] : ["dev", device])];
  const links = await readRows(site, namespace, "ip", words, linkRow);
  return links
    .flatMap((link) => link.addr_info)
    .map((address) => `${address.local}/${address.prefixlen}`);
}

/** Destinations of the IPv4 main table. */
export async function readRoutes(site: Site, namespace: string): Promise<string[]> {
  const routes = await readRows(site, namespace, "ip", ["-j", "route"], routeRow);
  return routes.flatMap(({ dst }) => dst ?? []);
}

/** Reads until the reading is as wished or the time is up; the last reading counts. */
export async function readUntil<T>(
  read: () => Promise<T>,
  wished: (reading: T) => boolean,
  limitMs: number,
  everyMs = 10,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const reading = await read();
    if (wished(reading) || performance.now() >= end) return reading;
    await pause(everyMs);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function listed(words: readonly string[]): string {
  return words.length === 0 ? "none" : words.join(", ");
}
