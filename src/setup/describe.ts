import { availableParallelism } from "node:os";
import { z } from "zod";
import { parseToolJson } from "../system/command.ts";
import { ToolError } from "../system/errors.ts";
import type { BuiltLab } from "./lab.ts";
import { SWITCH } from "./plan.ts";

/** A lab as the kernel shows it at this moment. */
export interface LabDescription {
  id: string;
  topology: string;
  bridge:
    | (Device & { options: Record<string, string | number | boolean>; namespace: string })
    | null;
  hosts: (Device & {
    host: string;
    namespace: string;
    port: {
      name: string;
      ifindex: number;
      state: string;
      flags: Record<string, string | number | boolean>;
    } | null;
  })[];
  fdb: FdbEntry[];
}

interface Device {
  device: string;
  ifindex: number;
  mac: string;
  mtu: number;
  state: string;
  /** IPv4 and IPv6, with prefix length. */
  addresses: string[];
}

interface FdbEntry {
  mac: string;
  port: string;
  /** The host behind the port; null for the bridge's own device. */
  host: string | null;
  vlan: number | null;
  /** `learned`, or the word of bridge(8): `permanent`, `static`. */
  state: string;
  flags: string[];
}

const scalars = z.record(z.string(), z.unknown()).transform((data) => {
  const kept: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(data)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      kept[name] = value;
    }
  }
  return kept;
});

const linkSchema = z.object({
  ifname: z.string(),
  ifindex: z.int(),
  address: z.string().default(""),
  mtu: z.int(),
  operstate: z.string(),
  linkinfo: z
    .object({ info_data: scalars.optional(), info_slave_data: scalars.optional() })
    .optional(),
  addr_info: z.array(z.object({ local: z.string(), prefixlen: z.int() })).default([]),
});
type Link = z.infer<typeof linkSchema>;

const fdbSchema = z.object({
  mac: z.string(),
  ifname: z.string(),
  vlan: z.int().optional(),
  state: z.string().default(""),
  flags: z.array(z.string()).default([]),
});

/** Reads a lab back with `ip -d -j address` and `bridge -j fdb`. */
export async function describeLab(lab: BuiltLab): Promise<LabDescription> {
  const inside = lab.bridge === null ? [] : await readLinks(lab, SWITCH);
  const ports = new Map(inside.map((link) => [link.ifindex, link]));
  const bridge = ports.get(lab.bridge?.ifindex ?? -1);
  const links = await inParallel(lab.hosts, (host) => readLinks(lab, host.name, host.device));
  return {
    id: lab.id,
    topology: lab.spec.label,
    bridge:
      bridge === undefined
        ? null
        : {
            ...deviceOf(bridge),
            namespace: lab.names.namespace(SWITCH),
            options: bridge.linkinfo?.info_data ?? {},
          },
    hosts: lab.hosts.map((host, index) => {
      const [link] = links[index] ?? [];
      if (link === undefined) {
        throw new ToolError("ip", `ip shows no ${host.device} in namespace ${host.name}`);
      }
      return {
        host: host.name,
        namespace: lab.names.namespace(host.name),
        ...deviceOf(link),
        port: portOf(ports.get(host.port?.ifindex ?? -1)),
      };
    }),
    fdb: bridge === undefined ? [] : await readFdb(lab, bridge.ifname),
  };
}

function deviceOf(link: Link): Device {
  return {
    device: link.ifname,
    ifindex: link.ifindex,
    mac: link.address,
    mtu: link.mtu,
    state: link.operstate,
    addresses: link.addr_info.map((address) => `${address.local}/${address.prefixlen}`),
  };
}

function portOf(link: Link | undefined) {
  if (link === undefined) return null;
  const { state = "none", ...flags } = link.linkinfo?.info_slave_data ?? {};
  return { name: link.ifname, ifindex: link.ifindex, state: String(state), flags };
}

async function readLinks(lab: BuiltLab, part: string, device?: string): Promise<Link[]> {
  const which = device === undefined ? [] : ["dev", device];
  const words = ["-n", lab.names.namespace(part), "-d", "-j", "address", "show", ...which];
  return parsed("ip", await lab.site.runOk("ip", words), linkSchema);
}

async function readFdb(lab: BuiltLab, bridge: string): Promise<FdbEntry[]> {
  const words = ["-n", lab.names.namespace(SWITCH), "-j", "fdb", "show", "br", bridge];
  const entries = parsed("bridge", await lab.site.runOk("bridge", words), fdbSchema);
  const hosts = new Map(lab.hosts.map((host) => [host.port?.name, host.name]));
  return entries.map((entry) => ({
    mac: entry.mac,
    port: entry.ifname,
    host: hosts.get(entry.ifname) ?? null,
    vlan: entry.vlan ?? null,
    state: entry.state === "" ? "learned" : entry.state,
    flags: entry.flags,
  }));
}

function parsed<S extends z.ZodType>(tool: string, text: string, schema: S): z.infer<S>[] {
  const checked = z.array(schema).safeParse(parseToolJson(tool, text));
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw new ToolError(
    tool,
    `${tool} printed JSON that is no list of it: ${where} ${issue?.message}`,
  );
}

/** One process a host: a thousand at once would be too many. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
