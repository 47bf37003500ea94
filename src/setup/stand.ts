import type { ApplyOptions } from "./apply.ts";
import { attachNamespaces } from "./attach.ts";
import { type ConnectOptions, connectExternal } from "./external.ts";
import { type BuiltLab, buildPrivateLab } from "./lab.ts";
import type { Topology } from "./spec.ts";

/** A lab by its topology, whoever makes its network: ours to drive until it is closed. */
export async function standUp(
  topology: Topology,
  options: ApplyOptions & ConnectOptions,
): Promise<BuiltLab> {
  switch (topology.kind) {
    case "external":
      return connectExternal(topology.commands, options);
    case "attach":
      return attachNamespaces(topology.ends, options.signal);
    default:
      return buildPrivateLab(topology, options);
  }
}
