import type { Lab } from "../document/case.ts";
import { BridgescopeError } from "../system/errors.ts";
import type { ApplyOptions } from "./apply.ts";
import { attachNamespaces } from "./attach.ts";
import { type ConnectOptions, connectExternal } from "./external.ts";
import { type BuiltLab, buildPrivateLab } from "./lab.ts";
import { readLab } from "./read-lab.ts";
import { waitUntilReady } from "./ready.ts";
import type { Topology } from "./spec.ts";

/** A lab that stays while others are measured beside it. */
export interface StandingLab {
  lab: BuiltLab;
  /** As read back from the kernel. */
  read: Omit<Lab, "placement">;
}

/** Builds a lab and holds it against what was asked for; throws when the kernel built another one. */
export async function buildStandingLab(
  topology: Topology,
  options: ApplyOptions & ConnectOptions,
): Promise<StandingLab> {
  const lab = await standUp(topology, options);
  try {
    await waitUntilReady(lab, options.signal);
    const read = await readLab(lab);
    const wrong = differences(topology, read);
    if (wrong.length === 0) return { lab, read };
    throw new BridgescopeError(`the kernel built another lab: ${wrong.join("; ")}`);
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** A lab by its topology, whoever makes its network: ours to drive until it is closed. */
async function standUp(
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

const STATES = ["disabled", "listening", "learning", "forwarding", "blocking"];

/**
 * What was asked for and is not so, a sentence each: the kernel accepts some requests and does
 * otherwise (a port's state 4 without STP is forwarding at once).
 */
export function differences(spec: Topology, lab: Pick<Lab, "bridge" | "ports">): string[] {
  const found: string[] = [];
  const compare = (what: string, asked: string, observed: unknown) => {
    if (observed === undefined || normal(observed) === asked) return;
    found.push(`${what} was asked to be ${asked} and is ${normal(observed)}`);
  };
  for (const [option, asked] of Object.entries(spec.bridge?.options ?? {})) {
    compare(`the bridge's ${option}`, asked, lab.bridge?.options[option]);
  }
  const { inSeries = 1 } = spec.bridge ?? {};
  if (inSeries > 1) compare("bridges in series", String(inSeries), lab.bridge?.inSeries ?? 1);
  for (const [name, asked] of Object.entries(spec.bridge?.fill ?? {})) {
    compare(`the bridge's ${name}`, String(asked), lab.bridge?.fill?.[name]);
  }
  spec.hosts.forEach((host, index) => {
    const port = lab.ports[index];
    for (const [option, asked] of Object.entries(host.port)) {
      if (option === "state")
        compare(`${port?.name}'s state`, STATES[Number(asked)] ?? asked, port?.state);
      else compare(`${port?.name}'s ${option}`, asked, port?.flags[option]);
    }
    if (spec.mtu !== null && spec.kind !== "netns")
      compare(`${port?.name}'s mtu`, String(spec.mtu), port?.mtu);
  });
  return found;
}

function normal(value: unknown): string {
  return typeof value === "boolean" ? String(Number(value)) : String(value);
}
