import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import { parseToolJson, runOk } from "../system/command.ts";

/** BPF_PROG_TYPE_KPROBE, _TRACEPOINT and _TRACING (fentry and fexit). */
const PROBE_TYPES = ["2", "5", "26"];

/** Tracepoints that our programs attach to. */
const EVENTS = [
  "net:netif_receive_skb",
  "net:net_dev_queue",
  "net:netif_rx",
  "net:netif_rx_entry",
  "skb:kfree_skb",
  "napi:napi_poll",
  "bridge:br_fdb_update",
  "bridge:fdb_delete",
  "bridge:br_fdb_add",
  "syscalls:sys_enter_sched_get_priority_max",
] as const;

export const MARKER_EVENT = "syscalls:sys_enter_sched_get_priority_max";

/** `fentry_bridge_br_flood_3`, as bpftrace 0.23 names its programs. */
const FUNCTION_PROGRAM =
  /^(fentry|fexit|kfunc|kretfunc|kprobe|kretprobe)_(?:(?:bridge|veth|vmlinux)_)?(\w+)_\d+$/;

/**
 * The probe of a program by what bpftrace called it: the event cut to 15 characters up to 0.20,
 * `tracepoint_net_net_dev_queue_3` later.
 */
export function probeName(name: string): string {
  const [, kind, called] = FUNCTION_PROGRAM.exec(name) ?? [];
  if (kind !== undefined && called !== undefined) return `${kind}:${called}`;
  const event = EVENTS.find((known) => {
    const [category, short = ""] = known.split(":");
    return (
      short.slice(0, 15) === name || new RegExp(`^tracepoint_${category}_${short}_\\d+$`).test(name)
    );
  });
  return event ?? name;
}

/** One loaded BPF program as the kernel counts it. */
export interface ProgramStatistics {
  name: string;
  id: number;
  /** Nanoseconds and runs while statistics were on. */
  runTimeNs: number;
  runs: number;
  /** Firings that recursion kept from running; counted always. */
  missed: number;
}

/** Reads the statistics of every probe program that process `pid` holds open. */
export async function programStatistics(pid: number): Promise<ProgramStatistics[]> {
  const found = programsOf(pid);
  const names = await programNames();
  const named = found.map(({ id, info }) => ({ id, info, name: names.get(id) ?? `program ${id}` }));
  return named
    .filter(({ name }) => !/^(BEGIN|END)/.test(name))
    .map(({ id, info, name }) => ({
      id,
      name: probeName(name),
      runTimeNs: Number(info.get("run_time_ns") ?? 0),
      runs: Number(info.get("run_cnt") ?? 0),
      missed: Number(info.get("recursion_misses") ?? 0),
    }));
}

function programsOf(pid: number): { id: number; info: Map<string, string> }[] {
  return fdinfo(pid).flatMap((info) => {
    const id = info.get("prog_id");
    // A link's descriptor names its program too, but only the program's own has a type.
    return id === undefined || !PROBE_TYPES.includes(info.get("prog_type") ?? "")
      ? []
      : [{ id: Number(id), info }];
  });
}

/** Ids of the BPF programs that process `pid` holds open, in the order in which they were loaded. */
export function programIds(pid: number): number[] {
  return programsOf(pid)
    .map(({ id }) => id)
    .sort((a, b) => a - b);
}

/** Ids of the BPF maps that process `pid` holds open. */
export function mapIds(pid: number): number[] {
  return fdinfo(pid).flatMap((info) => {
    const id = info.get("map_id");
    return id === undefined ? [] : [Number(id)];
  });
}

function fdinfo(pid: number): Map<string, string>[] {
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [parseFdinfo(readFileSync(`${folder}/${fd}`, "utf8"))];
    } catch {
      return []; // closed between the listing and the reading
    }
  });
}

export function parseFdinfo(text: string): Map<string, string> {
  const pairs = text.split("\n").map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1).trim()] as const;
  });
  return new Map(pairs.filter(([key]) => key !== ""));
}

/** `bpftool prog show`. */
export const programRows = z.array(z.object({ id: z.int(), name: z.string().default("") }));

async function programNames(): Promise<Map<number, string>> {
  const text = await runOk("bpftool", ["-j", "prog", "show"]);
  const programs = parseToolJson("bpftool", text, programRows);
  return new Map(programs.map(({ id, name }) => [id, name]));
}
