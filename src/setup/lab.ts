import { randomBytes } from "node:crypto";
import { openRouteSocket } from "../system/netlink.ts";
import { type NetworkNamespace, OpenNamespaces } from "../system/netns.ts";
import { openPrivateSite, type Site } from "../system/site.ts";
import { type ApplyOptions, applyPlan } from "./apply.ts";
import { macAddress } from "./mac.ts";
import { type LabNames, planLab, portName, SWITCH } from "./plan.ts";
import type { Topology, TopologySpec } from "./spec.ts";

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

/** The lab's bridge; of a chain the first. */
export interface LabBridge {
  name: string;
  ifindex: number;
  mac: string;
  namespace: NetworkNamespace;
}

export interface Way {
  /** Link-layer address that the first host sends them to: the second's own, or its gateway's. */
  nextHop: string;
  /** IPv4 or IPv6 address of the gateway; null where both are on one link. */
  gateway: string | null;
}

/** A lab that stands. Its namespaces are held open until `close`. */
export interface BuiltLab {
  id: string;
  spec: Topology;
  site: Site;
  names: LabNames;
  hosts: LabHost[];
  bridge: LabBridge | null;
  /** How the first host's frames reach the second through somebody else's network; absent in a lab of ours. */
  way?: Way;
  /** Nanoseconds from the first step to the last. */
  setupNs: number;
  /** Lets go of the lab; a private one is gone then, a kept one stays. */
  close(): Promise<void>;
}

export function newLabId(): string {
  return randomBytes(4).toString("hex");
}

/** Builds a lab in a private site: it dies with this process, however that ends. */
export async function buildPrivateLab(
  spec: TopologySpec,
  options: ApplyOptions = {},
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
  options: ApplyOptions = {},
): Promise<BuiltLab> {
  const started = process.hrtime.bigint();
  const open = new OpenNamespaces(site.netnsFolder);
  try {
    await applyPlan(site, planLab(spec, names), open, options);
    return labOf(spec, site, names, open, Number(process.hrtime.bigint() - started));
  } catch (error) {
    open.close();
    throw error;
  }
}

/** Opens a lab that stands already. */
export function openLab(spec: TopologySpec, site: Site, names: LabNames): BuiltLab {
  const open = new OpenNamespaces(site.netnsFolder);
  try {
    return labOf(spec, site, names, open, 0);
  } catch (error) {
    open.close();
    throw error;
  }
}

function labOf(
  spec: TopologySpec,
  site: Site,
  names: LabNames,
  open: OpenNamespaces,
  setupNs: number,
): BuiltLab {
  const inside = spec.kind === "netns" ? null : open.get(names.namespace(SWITCH));
  return {
    id: names.id,
    spec,
    site,
    names,
    hosts: findHosts(spec, names, open, inside),
    bridge: findBridge(spec, names, inside),
    setupNs,
    close: async () => {
      open.close();
      await site.close();
    },
  };
}

function findHosts(
  spec: TopologySpec,
  names: LabNames,
  open: OpenNamespaces,
  inside: NetworkNamespace | null,
): LabHost[] {
  const ports =
    inside === null || spec.bridge === null
      ? []
      : indexesOf(
          inside,
          spec.hosts.map((_host, index) => portName(index)),
        );
  return spec.hosts.map((host, index) => {
    const namespace = open.get(names.namespace(host.name));
    const [ifindex = 0] = indexesOf(namespace, [host.device]);
    const port = ports[index];
    return {
      name: host.name,
      namespace,
      device: host.device,
      ifindex,
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
  const [ifindex = 0] = indexesOf(inside, [name]);
  return { name, ifindex, mac: macAddress(names.id, "bridge", 0), namespace: inside };
}

function indexesOf(namespace: NetworkNamespace, devices: readonly string[]): number[] {
  const socket = openRouteSocket(namespace);
  try {
    return devices.map(socket.ifindex);
  } finally {
    socket.close();
  }
}
