import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BuiltLab } from "../setup/lab.ts";
import { macInteger } from "../setup/mac.ts";
import { NONCE, type ProbeProgram } from "./bpftrace.ts";

export interface TracepointOptions {
  /** One passage in this many is timed; a power of two. */
  sampleOneIn: number;
  /** The senders skip the queueing discipline. */
  bypassesQdisc: boolean;
  /** Print a line a frame. */
  events?: boolean;
}

/** Beyond this many ports latency is booked for the bridge as a whole. */
const PORTS_BY_NAME = 64;
const MAP_KEYS = 65_536;

const BRIDGE = "tracepoint/bridge.bt";
const PATH = "tracepoint/path.bt";
export const EMPTY = "tracepoint/empty.bt";

export function programPath(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** The tracepoint program for a lab, with its parameters. */
export function tracepointProgram(lab: BuiltLab, options: TracepointOptions): ProbeProgram {
  const mask = String(options.sampleOneIn - 1);
  const bypass = options.bypassesQdisc ? "1" : "0";
  if (lab.bridge === null) {
    const [a, b = a] = lab.hosts.map((host) => String(host.namespace.inode));
    const veth = lab.spec.kind === "veth" ? "1" : "0";
    return {
      file: programPath(PATH),
      parameters: [a ?? "0", b ?? "0", NONCE, mask, veth, bypass],
      mapKeys: MAP_KEYS,
    };
  }
  return {
    file: programPath(BRIDGE),
    parameters: [
      String(lab.bridge.namespace.inode),
      NONCE,
      mask,
      options.events ? "1" : "0",
      lab.spec.bridge?.options.vlan_filtering === "1" ? "1" : "0",
      lab.hosts.length <= PORTS_BY_NAME ? "1" : "0",
      String(macInteger(lab.bridge.mac)),
      bypass,
    ],
    mapKeys: MAP_KEYS,
  };
}

/** SHA-256 of every program file, for the document's provenance. */
export function programHashes(): Record<string, string> {
  return Object.fromEntries(
    [BRIDGE, PATH, EMPTY].map((file) => [
      file,
      createHash("sha256")
        .update(readFileSync(programPath(file)))
        .digest("hex"),
    ]),
  );
}
