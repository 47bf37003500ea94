import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BuiltLab } from "../setup/lab.ts";
import { macInteger } from "../text/mac-address.ts";
import type { ProbeBackend } from "./backend.ts";
import { NONCE, type ProbeProgram } from "./bpftrace.ts";
import { translate } from "./translate.ts";

export interface ProgramOptions {
  /** One passage in this many is timed; a power of two. */
  sampleOneIn: number;
  /** The senders skip the queueing discipline. */
  bypassesQdisc: boolean;
  /** Keys that each map may have. */
  mapKeys: number;
  /** Print a line a frame. */
  events?: boolean;
}

/** Beyond this many ports latency is booked for the bridge as a whole. */
export const PORTS_BY_NAME = 64;

const TRACEPOINT = { bridge: "tracepoint/bridge.bt", path: "tracepoint/path.bt" };
const FUNCTION = { bridge: "function/bridge.bt", path: "function/path.bt" };
export const EMPTY = "tracepoint/empty.bt";
/** Of `explain` and of `watch`, by what they are made of. */
export const LIVE = { tracepoint: "tracepoint/live.bt", function: "function/live.bt" };
export const WATCH = { tracepoint: "tracepoint/watch.bt", function: "function/watch.bt" };
export const COUNTED = "function/counted.bt";

/** What a backend's program for this lab is, with its parameters. */
export function probeProgram(
  lab: BuiltLab,
  backend: ProbeBackend,
  options: ProgramOptions,
): ProbeProgram {
  const parameters =
    backend.name === "tracepoint"
      ? tracepointParameters(lab, options)
      : functionParameters(lab, options);
  const files = backend.name === "tracepoint" ? TRACEPOINT : FUNCTION;
  const file = lab.bridge === null ? files.path : files.bridge;
  return { ...programText(file, backend), parameters, mapKeys: options.mapKeys };
}

/** A program in the dialect of the backend, the bpftrace and the kernel at hand. */
export function programText(
  file: string,
  backend: ProbeBackend,
  edit: (text: string) => string = (text) => text,
): Pick<ProbeProgram, "name" | "text" | "dropped" | "bpftraceVersion"> {
  const source = withoutReason(edit(readFileSync(programPath(file), "utf8")));
  const name = file.replaceAll("/", "-");
  const { bpftraceVersion, functions } = backend;
  if (backend.name === "tracepoint") return { name, text: source, dropped: [], bpftraceVersion };
  return {
    name,
    bpftraceVersion,
    ...translate(source, { backend: backend.name, bpftraceVersion, functions }),
  };
}

function programPath(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** skb:kfree_skb tells the reason of a drop from Linux 5.17 on; before, every reason is 0. */
function withoutReason(text: string): string {
  return RELEASE_HAS_REASON ? text : text.replaceAll("(uint64)args->reason", "(uint64)0");
}

const RELEASE_HAS_REASON = (() => {
  const release = readFileSync("/proc/sys/kernel/osrelease", "utf8");
  const [major = 0, minor = 0] = release.split(".").map(Number.parseFloat);
  return major > 5 || (major === 5 && minor >= 17);
})();

function tracepointParameters(lab: BuiltLab, options: ProgramOptions): ProbeProgram["parameters"] {
  const mask = String(options.sampleOneIn - 1);
  const bypass = options.bypassesQdisc ? "1" : "0";
  if (lab.bridge === null) return [...ends(lab), NONCE, mask, timesVeth(lab), bypass];
  return [
    String(lab.bridge.namespace.inode),
    NONCE,
    mask,
    options.events ? "1" : "0",
    lab.spec.bridge?.options.vlan_filtering === "1" ? "1" : "0",
    perPort(lab),
    String(macInteger(lab.bridge.mac)),
    bypass,
  ];
}

function functionParameters(lab: BuiltLab, options: ProgramOptions): ProbeProgram["parameters"] {
  const mask = String(options.sampleOneIn - 1);
  if (lab.bridge === null) return [...ends(lab), NONCE, mask, timesVeth(lab)];
  return [
    String(lab.bridge.namespace.inode),
    NONCE,
    mask,
    options.events ? "1" : "0",
    perPort(lab),
    String(macInteger(lab.bridge.mac)),
  ];
}

/** Inode numbers of the two ends of a lab without a bridge; the same twice for a loopback. */
function ends(lab: BuiltLab): [string, string] {
  const [a = "0", b = a] = lab.hosts.map((host) => String(host.namespace.inode));
  return [a, b];
}

function timesVeth(lab: BuiltLab): string {
  return lab.spec.kind === "veth" ? "1" : "0";
}

function perPort(lab: BuiltLab): string {
  return lab.hosts.length <= PORTS_BY_NAME ? "1" : "0";
}

/** SHA-256 of every program file, for the document's provenance. */
export function programHashes(): Record<string, string> {
  const files = [...Object.values(TRACEPOINT), ...Object.values(FUNCTION), EMPTY, COUNTED];
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash("sha256")
        .update(readFileSync(programPath(file)))
        .digest("hex"),
    ]),
  );
}
