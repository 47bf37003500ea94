/** tracefs, mounted or not: which events, tracers and instances are switched on, and by whom they are read. */
import { readdirSync, readFileSync } from "node:fs";
import { close, SystemCallError } from "./libc.ts";
import { openFileSystem } from "./mount.ts";

/** What ftrace does in one of its instances; the name is empty for the one that is always there. */
export interface FtraceInstance {
  name: string;
  /** `category:event`, those that are enabled. */
  events: string[];
  tracer: string;
}

/** The kernel has one tracefs, and every mount of it shows the same. Ours is mounted nowhere and goes with us. */
export class Tracefs {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** null where this kernel has none or lets us have none. */
  static open(): Tracefs | null {
    try {
      return new Tracefs(openFileSystem("tracefs"));
    } catch (error) {
      if (error instanceof SystemCallError) return null;
      throw error;
    }
  }

  close(): void {
    close(this.#fd);
  }

  /** The number by which perf_event_open(2) knows a tracepoint; null where this kernel has none of that name. */
  eventNumber(tracepoint: string): number | null {
    const text = this.#read(`events/${tracepoint.replace(":", "/")}/id`);
    return text === null ? null : Number(text);
  }

  /** All of them, the one that is always there first. */
  instances(): FtraceInstance[] {
    return ["", ...this.#names()].map((name) => ({
      name,
      events: linesOf(this.#read(inInstance(name, "set_event"))),
      tracer: this.#read(inInstance(name, "current_tracer"))?.trim() || "nop",
    }));
  }

  /** What the probes that were added to ftrace are on: `p:kprobes/name function+offset …` by `kprobes:name`. */
  addedProbes(): Map<string, string> {
    return new Map(
      linesOf(this.#read("kprobe_events")).flatMap((line) => {
        const [, group, event, place] = /^[pr]\d*:(\S+)\/(\S+) (\S+)/.exec(line) ?? [];
        const name = place?.replace(/^.*:/, "").replace(/\+.*$/, "");
        return name === undefined ? [] : [[`${group}:${event}`, name] as const];
      }),
    );
  }

  /** Functions that the function tracers are limited to; null where they are not, or where that may not be read. */
  tracedFunctions(instance: string): string[] | null {
    const lines = linesOf(this.#read(inInstance(instance, "set_ftrace_filter")));
    const limited = lines.filter((line) => !line.startsWith("#"));
    return limited.length === 0 ? null : limited.map((line) => line.split(/[ :]/)[0] ?? "");
  }

  #names(): string[] {
    try {
      return readdirSync(this.#path("instances"));
    } catch {
      return [];
    }
  }

  #read(file: string): string | null {
    try {
      return readFileSync(this.#path(file), "utf8");
    } catch {
      return null;
    }
  }

  #path(file: string): string {
    return `/proc/self/fd/${this.#fd}/${file}`;
  }
}

/** Whether a path that a descriptor of a process leads to is an instance's trace as it is read out; then whose. */
export function readsTraceOf(target: string): string | null {
  const [, instance] =
    /\/(?:instances\/([^/]+)\/)?(?:per_cpu\/cpu\d+\/)?trace_pipe(?:_raw)?$/.exec(target) ?? [];
  return /trace_pipe(?:_raw)?$/.test(target) ? (instance ?? "") : null;
}

function inInstance(name: string, file: string): string {
  return name === "" ? file : `instances/${name}/${file}`;
}

function linesOf(text: string | null): string[] {
  return (text ?? "").split("\n").filter((line) => line !== "");
}
