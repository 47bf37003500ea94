import { z } from "zod";
import { parseToolJson } from "../../system/command.ts";
import { ToolError } from "../../system/errors.ts";
import type { Site } from "../../system/site.ts";

const linkSchema = z.looseObject({
  ifindex: z.number(),
  ifname: z.string(),
  link: z.string().optional(),
  flags: z.array(z.string()),
  operstate: z.string(),
});
export type Link = z.infer<typeof linkSchema>;

/** The namespace's devices, as `ip -j link` names them. */
export async function readLinks(site: Site, namespace: string): Promise<Link[]> {
  return readJson(site, namespace, "ip", ["-j", "link"], z.array(linkSchema));
}

export async function findLink(site: Site, namespace: string, name: string): Promise<Link> {
  const link = (await readLinks(site, namespace)).find((one) => one.ifname === name);
  if (link === undefined) throw new ToolError("ip", `namespace ${namespace} has no ${name}`);
  return link;
}

const addressesSchema = z.array(
  z.looseObject({
    addr_info: z.array(z.looseObject({ local: z.string(), prefixlen: z.number() })).optional(),
  }),
);

/** IPv4 addresses with their prefix lengths, of one device or of all. */
export async function readAddresses(
  site: Site,
  namespace: string,
  device?: string,
): Promise<string[]> {
  const words = ["-j", "-4", "address", "show", ...(device === undefined ? [] : ["dev", device])];
  const links = await readJson(site, namespace, "ip", words, addressesSchema);
  return links
    .flatMap((link) => link.addr_info ?? [])
    .map((address) => `${address.local}/${address.prefixlen}`);
}

const routesSchema = z.array(z.looseObject({ dst: z.string() }));

/** Destinations of the IPv4 main table. */
export async function readRoutes(site: Site, namespace: string): Promise<string[]> {
  const routes = await readJson(site, namespace, "ip", ["-j", "route"], routesSchema);
  return routes.map((route) => route.dst);
}

export async function readJson<T>(
  site: Site,
  namespace: string,
  tool: string,
  words: readonly string[],
  schema: z.ZodType<T>,
): Promise<T> {
  const parsed = schema.safeParse(
    parseToolJson(tool, await site.runOk(tool, words, { namespace })),
  );
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ToolError(
    tool,
    `${tool} ${words.join(" ")} did not print what it usually prints (${issue?.path.join(".")}: ${issue?.message})`,
  );
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
