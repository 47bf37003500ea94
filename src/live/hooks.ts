/** The programs of a bpftrace that has gone, attached when they are to count and at no other time. */
import { readFileSync } from "node:fs";
import { programIds } from "../probes/statistics.ts";
import { attachedEvents, openProgram, programById, programInfo } from "../system/bpf-objects.ts";
import { close, closeInBackground } from "../system/libc.ts";
import { attachToEvent, attachTracing, type EventSource } from "../system/tracing.ts";

export interface Hooks {
  /** Resolves when the kernel has let go of what was detached; before that nothing can be attached again. */
  ready(): Promise<unknown>;
  /** Takes effect at once. */
  attach(): void;
  /** Takes effect as soon as other threads come to it, though it takes the kernel up to a tenth of a second to let go. */
  detach(): void;
  attached(): boolean;
  /** Since they were loaded, while the kernel's BPF statistics were on. */
  spent(): Spent;
  /** Firings that the kernel left out, since they were loaded. */
  missed(): number;
  /** Lets go of the programs too. */
  close(): Promise<void>;
}

export interface Spent {
  runTimeNs: number;
  /** Events: two programs at one place are called together. */
  events: number;
}

/** Told of always: they fire for what is done to the FDB, and for no frame. */
const ALWAYS = ["fdb_delete", "br_fdb_add"];
const MARKER = "sys_enter_sched_get_priority_max";

interface Program {
  fd: number;
  always: boolean;
  /** The first at its place. */
  first: boolean;
  attach(): number;
}

/**
 * Takes the programs that the bpftrace process `pid` has attached, which may then end: bpftrace attaches for as long as it
 * lives, and a program that is attached to a tracepoint costs every frame of the host also while it has nothing to do.
 * `tracing` is where tracefs is, `text` the program's.
 */
export function takePrograms(pid: number, text: string, tracing: string): Hooks {
  const programs: Program[] = [];
  const known = new Set<string>();
  const letGo = () => programs.map(({ fd }) => fd);
  try {
    for (const { kind, name, program } of attachedEvents(pid)) {
      if (name === MARKER) continue;
      const source: EventSource =
        kind === "tracepoint" ? { kind, id: tracepointId(name, text, tracing) } : { kind, name };
      const fd = openProgram(program);
      const place = `${kind}:${name}`;
      programs.push({
        fd,
        always: ALWAYS.includes(name),
        first: !known.has(place),
        attach: () => attachToEvent(source, fd),
      });
      known.add(place);
    }
    for (const id of programIds(pid)) {
      if (programById(id)?.type !== "tracing") continue;
      const fd = openProgram(id);
      programs.push({ fd, always: false, first: true, attach: () => attachTracing(fd) });
    }
  } catch (error) {
    for (const fd of letGo()) close(fd);
    throw error;
  }
  let always: number[] = [];
  let now: number[] = [];
  let leaving: Promise<unknown> = Promise.resolve();
  const attach = (which: readonly Program[]): number[] => {
    const fds: number[] = [];
    try {
      for (const program of which) fds.push(program.attach());
      return fds;
    } catch (error) {
      for (const fd of fds) close(fd);
      throw error;
    }
  };
  const detach = () => {
    leaving = Promise.all([leaving, ...now.map(closeInBackground)]);
    now = [];
  };
  return {
    ready: () => leaving,
    attach: () => {
      if (always.length === 0) always = attach(programs.filter((program) => program.always));
      if (now.length === 0) now = attach(programs.filter((program) => !program.always));
    },
    detach,
    attached: () => now.length > 0,
    spent: () => {
      const spent = { runTimeNs: 0, events: 0 };
      for (const { fd, first } of programs) {
        const { runTimeNs, runs } = programInfo(fd);
        spent.runTimeNs += runTimeNs;
        if (first) spent.events += runs;
      }
      return spent;
    },
    missed: () => programs.reduce((sum, { fd }) => sum + programInfo(fd).missed, 0),
    close: async () => {
      detach();
      await leaving;
      await Promise.all([...always, ...letGo()].map(closeInBackground));
      always = [];
    },
  };
}

/** The kernel tells a tracepoint's name without its group, which the program has. */
function tracepointId(name: string, text: string, tracing: string): number {
  const [, group] = new RegExp(`^tracepoint:(\\w+):${name}\\b`, "m").exec(text) ?? [];
  return Number(readFileSync(`${tracing}/events/${group}/${name}/id`, "utf8"));
}
