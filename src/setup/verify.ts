import type { Lab } from "../document/run.ts";
import type { Topology } from "./spec.ts";

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
