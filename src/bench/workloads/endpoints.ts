import type { BuiltLab, LabHost } from "../../setup/lab.ts";
import { UsageError } from "../../system/errors.ts";

export interface Endpoint extends LabHost {
  address: string;
}

/** Who sends and who receives: the lab's first two hosts, or the one host of `netns` to itself. */
export function endpoints(lab: BuiltLab): { from: Endpoint; to: Endpoint } {
  const from = lab.hosts[0];
  const to = lab.hosts[1] ?? from;
  if (from === undefined || to === undefined) throw new UsageError("the lab has no hosts");
  return { from: withAddress(from), to: withAddress(to) };
}

function withAddress(host: LabHost): Endpoint {
  if (host.address === null) {
    throw new UsageError(`host ${host.name} has no IPv4 address, which this workload needs`);
  }
  return { ...host, address: host.address };
}
