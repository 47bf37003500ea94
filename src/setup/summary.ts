import type { BuiltLab } from "./lab.ts";
import { SWITCH } from "./plan.ts";

/** A lab just built, told from the books alone: reading a large one back takes longer than building it. */
export interface LabSummary {
  id: string;
  topology: string;
  setupNs: number;
  bridge: { device: string; ifindex: number; mac: string; namespace: string } | null;
  hosts: {
    host: string;
    namespace: string;
    device: string;
    ifindex: number;
    mac: string;
    address: string | null;
    port: string | null;
  }[];
}

export function summarize(lab: BuiltLab): LabSummary {
  const { bridge } = lab;
  return {
    id: lab.id,
    topology: lab.spec.label,
    setupNs: lab.setupNs,
    bridge:
      bridge === null
        ? null
        : {
            device: bridge.name,
            ifindex: bridge.ifindex,
            mac: bridge.mac,
            namespace: lab.names.namespace(SWITCH),
          },
    hosts: lab.hosts.map((host) => ({
      host: host.name,
      namespace: lab.names.namespace(host.name),
      device: host.device,
      ifindex: host.ifindex,
      mac: host.mac,
      address: host.address,
      port: host.port?.name ?? null,
    })),
  };
}
