import { randomBytes } from "node:crypto";
import { interfaceIndex } from "../system/libc.ts";
import {
  closeNamespace,
  inNamespace,
  type NetworkNamespace,
  openNamespace,
} from "../system/netns.ts";
import { openPrivateSite, type Site } from "../system/site.ts";
import { applyPlan, type Progress } from "./apply.ts";
import { macAddress } from "./mac.ts";
import { type LabNames, namespacesOf, planLab, portName, SWITCH } from "./plan.ts";
import type { TopologySpec } from "./spec.ts";

/** A host of a built lab: where it is, and how frames reach it. */
export interface LabHost {
  name: string;
  namespace: NetworkNamespace;
  device: string;
  ifindex: number;
  /** Link-layer address of its device. */
  mac: string;
  /** IPv4 address with prefix length, or null. */
  address: string | null;
  /** The bridge port that leads to it, or null without a bridge. */
  port: { name: string; ifindex: number } | null;
}

export interface LabBridge {
  name: string;
  ifindex: number;
  mac: string;
  namespace: NetworkNamespace;
}

/** A lab that stands. Its namespaces are held open until `close`. */
export interface BuiltLab {
  id: string;
  spec: TopologySpec;
  site: Site;
  names: LabNames;
  hosts: LabHost[];
  bridge: LabBridge | null;
  /** Nanoseconds from the first step to the last. */
  setupNs: number;
  /** Lets go of the lab; a private one is gone then, a kept one stays. */
  close(): Promise<void>;
}

export interface BuildOptions {
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
}

export function newLabId(): string {
  return randomBytes(4).toString("hex");
}

/** Builds a lab in a private site: it dies with this process, however that ends. */
export async function buildPrivateLab(
  spec: TopologySpec,
  options: BuildOptions = {},
): Promise<BuiltLab> {
  const site = await openPrivateSite();
  try {
    const names: LabNames = { id: newLabId(), namespace: (part) => part };
    return await buildLab(spec, site, names, options);
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** Builds the lab at a site. On failure the namespaces made so far are the caller's to remove. */
export async function buildLab(
  spec: TopologySpec,
  site: Site,
  names: LabNames,
  options: BuildOptions = {},
): Promise<BuiltLab> {
  const started = process.hrtime.bigint();
  await applyPlan(site, planLab(spec, names), options.progress, options.signal);
  return openLab(spec, site, names, Number(process.hrtime.bigint() - started));
}

/** Opens a lab that stands already. */
export function openLab(
  spec: TopologySpec,
  site: Site,
  names: LabNames,
  setupNs: number,
): BuiltLab {
  const open = new Map<string, NetworkNamespace>();
  for (const part of namespacesOf(spec)) {
    open.set(part, openNamespace(site.netnsFolder, names.namespace(part)));
  }
  const inside = open.get(SWITCH) ?? null;
  return {
    id: names.id,
    spec,
    site,
    names,
    hosts: findHosts(spec, names, open, inside),
    bridge: findBridge(spec, names, inside),
    setupNs,
    close: async () => {
      for (const namespace of open.values()) closeNamespace(namespace);
      open.clear();
      await site.close();
    },
  };
}

function findHosts(
  spec: TopologySpec,
  names: LabNames,
  open: ReadonlyMap<string, NetworkNamespace>,
  inside: NetworkNamespace | null,
): LabHost[] {
  // One stay in the bridge's namespace looks all ports up.
  const ports =
    inside === null || spec.kind !== "bridge"
      ? []
      : inNamespace(inside, () =>
          spec.hosts.map((_host, index) => interfaceIndex(portName(index))),
        );
  return spec.hosts.map((host, index) => {
    const namespace = open.get(host.name);
    if (namespace === undefined) throw new Error(`host ${host.name} has no namespace`);
    const port = ports[index];
    return {
      name: host.name,
      namespace,
      device: host.device,
      ifindex: inNamespace(namespace, () => interfaceIndex(host.device)),
      mac: spec.kind === "netns" ? "00:00:00:00:00:00" : macAddress(names.id, "host", index),
      address: spec.kind === "netns" ? "127.0.0.1/8" : host.address,
      port: port === undefined ? null : { name: portName(index), ifindex: port },
    };
  });
}

function findBridge(
  spec: TopologySpec,
  names: LabNames,
  inside: NetworkNamespace | null,
): LabBridge | null {
  if (spec.bridge === null || inside === null) return null;
  const { name } = spec.bridge;
  const ifindex = inNamespace(inside, () => interfaceIndex(name));
  return { name, ifindex, mac: macAddress(names.id, "bridge", 0), namespace: inside };
}
