import type { NetworkNamespace } from "../system/netns.ts";
import type { Site } from "../system/site.ts";
import { type BuiltLab, type LabHost, newLabId } from "./lab.ts";
import { type Addressed, nextHopOf, pathBetween } from "./path.ts";
import { requireAnswer } from "./reach.ts";
import type { AttachSpec, ExternalSpec } from "./spec.ts";

export interface ForeignParts {
  spec: ExternalSpec | AttachSpec;
  /** Where the two are named h1 and h2. */
  site: Site;
  ends: readonly [NetworkNamespace, NetworkNamespace];
  /** What sentences call them. */
  called: readonly [string, string];
  setupNs: number;
  signal: AbortSignal | undefined;
  close(): Promise<void>;
}

/** A lab of two namespaces that others have connected, as the kernel shows it, once the first has reached the second. */
export async function foreignLab(parts: ForeignParts): Promise<BuiltLab> {
  const { spec, site, ends, called, setupNs, signal, close } = parts;
  const path = await pathBetween(site, ends, called);
  signal?.throwIfAborted();
  const from = hostOf(ends[0], path.from);
  const to = hostOf(ends[1], path.to);
  await requireAnswer({ site, hosts: [from, to], called, gateway: path.gateway, signal });
  const nextHop = nextHopOf(ends[0], path);
  const id = newLabId();
  return {
    id,
    spec: {
      ...spec,
      mtu: path.from.mtu,
      hosts: [from, to].map(({ name, device, address }) => ({ name, device, address, port: {} })),
    },
    site,
    names: { id, namespace: (part) => part },
    hosts: [from, to],
    bridge: null,
    way: { nextHop, gateway: path.gateway },
    setupNs,
    close,
  };
}

function hostOf(
  namespace: NetworkNamespace,
  { device, ifindex, mac, address }: Addressed,
): LabHost & { address: string } {
  return { name: namespace.name, namespace, device, ifindex, mac, address, port: null };
}
