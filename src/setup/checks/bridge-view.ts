import { readFileSync } from "node:fs";
import { z } from "zod";
import { ToolError } from "../../system/errors.ts";
import { inNamespace, type NetworkNamespace } from "../../system/netns.ts";
import type { BuiltLab, LabBridge, LabHost } from "../lab.ts";
import { SWITCH } from "../plan.ts";
import { fdbRow, readRows } from "../rows.ts";

/** A bridge lab as the checks look at it. */
export interface BridgeView {
  lab: BuiltLab;
  bridge: LabBridge;
  /** The namespace that holds the bridge, as a person names it. */
  inside: string;
  hosts: Station[];
  /** Names of the ports, in the hosts' order. */
  ports: string[];
}

/** A host, and the port of the bridge that leads to it. */
export interface Station extends LabHost {
  /** Name of its namespace, as a person types it. */
  place: string;
  port: { name: string; ifindex: number };
}

export function viewBridge(lab: BuiltLab): BridgeView {
  const hosts = lab.hosts.flatMap((host) =>
    host.port === null ? [] : [{ ...host, place: lab.names.namespace(host.name), port: host.port }],
  );
  if (lab.bridge === null || hosts.length < 2) {
    throw new Error(`lab ${lab.spec.label} has no bridge with two hosts`);
  }
  return {
    lab,
    bridge: lab.bridge,
    inside: lab.names.namespace(SWITCH),
    hosts,
    ports: hosts.map((host) => host.port.name),
  };
}

/** The bridge's own entries: address to port. */
export async function readFdb(view: BridgeView): Promise<Map<string, string>> {
  const words = ["-j", "fdb", "show", "br", view.bridge.name];
  const entries = await readRows(view.lab.site, view.inside, "bridge", words, fdbRow);
  return new Map(
    entries
      .filter((entry) => entry.master !== undefined)
      .map((entry) => [entry.mac.toLowerCase(), entry.ifname]),
  );
}

const portRow = z.object({ ifname: z.string(), state: z.string() });

/** Each port's STP state. */
export async function readPortStates(view: BridgeView): Promise<Map<string, string>> {
  const ports = await readRows(view.lab.site, view.inside, "bridge", ["-j", "link"], portRow);
  return new Map(ports.map((port) => [port.ifname, port.state]));
}

const number = z.number();
const optionsRow = z.object({
  linkinfo: z.looseObject({
    info_data: z.looseObject({
      forward_delay: number,
      ageing_time: number,
      stp_state: number,
      nf_call_iptables: number.optional(),
      nf_call_ip6tables: number.optional(),
      nf_call_arptables: number.optional(),
    }),
  }),
});
export type BridgeOptions = z.infer<typeof optionsRow>["linkinfo"]["info_data"];

/** The bridge's options as the kernel has them; times in hundredths of a second. */
export async function readOptions(view: BridgeView): Promise<BridgeOptions> {
  const words = ["-d", "-j", "link", "show", "dev", view.bridge.name];
  const [link] = await readRows(view.lab.site, view.inside, "ip", words, optionsRow);
  if (link === undefined) throw new ToolError("ip", `ip shows no bridge ${view.bridge.name}`);
  return link.linkinfo.info_data;
}

/** A network sysctl of the namespace, or null where this kernel has none of that name. */
export function readSysctl(namespace: NetworkNamespace, key: string): string | null {
  try {
    return inNamespace(namespace, () => readFileSync(`/proc/sys/${key}`, "utf8").trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
