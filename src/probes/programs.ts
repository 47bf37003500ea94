import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TIME_PROBES, type TimeProbe } from "../document/event.ts";
import type { BuiltLab } from "../setup/lab.ts";
import { macInteger } from "../text/mac-address.ts";
import type { ProbeBackend } from "./backend.ts";
import { NONCE, type ProbeProgram } from "./bpftrace.ts";
import { programChecksum, readProgram } from "./include.ts";
import { translate } from "./translate.ts";

export interface ProgramOptions {
  /** Offloads may pack several segments into one frame. */
  packed: boolean;
  /** Keys that each map may have. */
  mapKeys: number;
  /** Print a line a frame. */
  events?: boolean;
}

/** Up to this many ports copies are counted by both their ports, in one map access; beyond, the pairs were too many. */
export const PORTS_BY_WAY = 64;

const TRACEPOINT = "tracepoint/bridge.bt";
const FUNCTION = "function/bridge.bt";
const PATH = "tracepoint/path.bt";
/** The program of src/probes/time by its name. */
export function timeFile(name: TimeProbe): string {
  return `time/${name}.bt`;
}
export const EMPTY = "tracepoint/empty.bt";
/** Of `explain` and of `watch`, by what they are made of. */
export const LIVE = { tracepoint: "tracepoint/live.bt", function: "function/live.bt" };
export const WATCH = { tracepoint: "tracepoint/watch.bt", function: "function/watch.bt" };
/** Of `explain --from --to`. */
export const JOURNEY = "tracepoint/journey.bt";
export const COUNTED = "function/counted.bt";

/** What a backend's program for this lab is, with its parameters. */
export function probeProgram(
  lab: BuiltLab,
  backend: ProbeBackend,
  options: ProgramOptions,
): ProbeProgram {
  const { bridge } = lab;
  const { mapKeys } = options;
  if (bridge === null) {
    return { ...programText(PATH, backend), parameters: [...ends(lab), NONCE], mapKeys };
  }
  const byTracepoints = backend.name === "tracepoint";
  return {
    ...programText(byTracepoints ? TRACEPOINT : FUNCTION, backend),
    parameters: [
      String(bridge.namespace.inode),
      NONCE,
      flag(options.events === true),
      ...(byTracepoints ? [flag(lab.spec.bridge?.options.vlan_filtering === "1")] : []),
      String(macInteger(bridge.mac)),
      flag(options.packed),
      flag(lab.hosts.length <= PORTS_BY_WAY),
    ],
    mapKeys,
  };
}

/** A program in the dialect of the backend, the bpftrace and the kernel at hand. */
export function programText(
  file: string,
  backend: ProbeBackend,
  edit: (text: string) => string = (text) => text,
): Pick<ProbeProgram, "name" | "text" | "dropped" | "bpftraceVersion"> {
  const source = withoutReason(edit(readProgram(FOLDER, file)));
  const name = file.replaceAll("/", "-");
  const { bpftraceVersion, functions } = backend;
  if (backend.name === "tracepoint") return { name, text: source, dropped: [], bpftraceVersion };
  return {
    name,
    bpftraceVersion,
    ...translate(source, { backend: backend.name, bpftraceVersion, functions }),
  };
}

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** skb:kfree_skb tells the reason of a drop from Linux 5.17 on; before, every reason is 0. */
function withoutReason(text: string): string {
  return RELEASE_HAS_REASON ? text : text.replaceAll("(uint64)args->reason", "(uint64)0");
}

const RELEASE_HAS_REASON = (() => {
  const release = readFileSync("/proc/sys/kernel/osrelease", "utf8");
  const [major = 0, minor = 0] = release.split(".").map(Number.parseFloat);
  return major > 5 || (major === 5 && minor >= 17);
})();

function flag(is: boolean): string {
  return is ? "1" : "0";
}

/** Inode numbers of the two ends of a lab without a bridge; the same twice for a loopback. */
function ends(lab: BuiltLab): [string, string] {
  const [a = "0", b = a] = lab.hosts.map((host) => String(host.namespace.inode));
  return [a, b];
}

/** Checksums of the programs of a benchmark, for the document's provenance. */
export function programHashes(): Record<string, string> {
  const files = [TRACEPOINT, FUNCTION, PATH, ...TIME_PROBES.map(timeFile), EMPTY, COUNTED];
  return Object.fromEntries(
    files.map((file) => [file, programChecksum(readProgram(FOLDER, file))]),
  );
}
