/**
 * Other people's probes on a frame's way: BPF programs that none of our own processes holds, and what ftrace does. They
 * slow every frame, and no clock reading tells that from a slow bridge. A plain `perf record` has no program and no
 * place in tracefs: nothing tells what such an event is on. Before 5.13 nothing tells what an fentry program is on.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { type ForeignProbe, foreignKey } from "../document/foreign.ts";
import {
  type BpfLink,
  type BpfProgram,
  btfName,
  type HeldProbe,
  heldProbe,
  idsAfter,
  isThere,
  linkById,
  programById,
} from "../system/bpf-objects.ts";
import { devicePrograms } from "../system/device-programs.ts";
import { programsOnTracepoint, SystemCallError } from "../system/libc.ts";
import type { NetworkNamespace } from "../system/netns.ts";
import { cgroupOf, commandOf, containerId, entries, processes } from "../system/processes.ts";
import { readsTraceOf, Tracefs } from "../system/tracefs.ts";
import { ownProbes } from "./bpftrace.ts";
import {
  FRAME_TRACEPOINTS,
  frameTracepoint,
  functionInBtf,
  functionsAt,
  isFrameFunction,
} from "./frame-way.ts";
import { parseFdinfo } from "./statistics.ts";

/** Enum bpf_attach_type of a `tracing` link. */
const TRACING_TYPES: Readonly<Record<number, string>> = { 24: "fentry", 25: "fexit" };
const DEVICE_TYPES = new Set(["sched_cls", "xdp"]);
const FUNCTION_TRACERS = new Set(["function", "function_graph"]);

/** A descriptor that leads to a BPF program: to itself, by a link, or by a perf event that runs it. */
interface Held {
  program: number;
  probe: HeldProbe | null;
}

/** Descriptors of one process; null for those that lead to none, and are not asked again. */
type Descriptors = Map<string, Held | null>;

interface Place {
  program: number;
  type: string;
  where: string;
}

export class ForeignProbes {
  readonly #ours: () => readonly number[];
  readonly #tracefs = Tracefs.open();
  /** Programs of others that could sit on a frame's way, and links. */
  readonly #programs = new Map<number, BpfProgram>();
  readonly #links = new Map<number, BpfLink>();
  #lastProgram = 0;
  #lastLink = 0;
  /** Processes that hold one of them. */
  readonly #holders = new Map<number, Descriptors>();
  /** Where programs sit of which no perf event is seen, asked of the tracepoints themselves. */
  #asked: Place[] = [];
  #onDevices: Place[] = [];
  #namespaces = "";
  #ftrace = "";
  #present: readonly string[] = [];
  readonly #known = new Map<string, ForeignProbe>();

  private constructor(ours: () => readonly number[]) {
    this.#ours = ours;
  }

  /**
   * `ours` are the processes whose programs are not foreign: this one and its bpftrace children when absent. null where
   * the kernel lets us see no BPF programs but our own (it takes CAP_SYS_ADMIN).
   */
  static open(
    ours: () => readonly number[] = () => [process.pid, ...ownProbes()],
  ): ForeignProbes | null {
    try {
      idsAfter("program", 0x7fff_fffe);
    } catch (error) {
      if (error instanceof SystemCallError) return null;
      throw error;
    }
    return new ForeignProbes(ours);
  }

  close(): void {
    this.#tracefs?.close();
  }

  /**
   * Keys of all that is there now, sorted. Where nothing has come or gone since the last look it takes some ten system
   * calls (0.1 ms). `namespaces` are those whose devices count. `thorough` for a look that may take half a second: then a
   * program of which no perf event is seen is looked for on the tracepoints once more.
   */
  look(namespaces: readonly NetworkNamespace[] = [], thorough = false): readonly string[] {
    const came = this.#take();
    const went = this.#forget();
    const moved = this.#refresh();
    const devices = this.#lookAtDevices(namespaces, came || thorough);
    const traced = this.#lookAtFtrace();
    const homeless = came || thorough ? this.#ask() : false;
    if (came || went || moved || devices || traced || homeless) this.#settle();
    return this.#present;
  }

  /** What `look` gave the key of. */
  describe(key: string): ForeignProbe {
    const known = this.#known.get(key);
    if (known === undefined) throw new RangeError(`no foreign probe ${key} was seen`);
    return known;
  }

  /** Takes in programs and links that came, and finds who holds them; whether there were any that are not ours. */
  #take(): boolean {
    const programs = idsAfter("program", this.#lastProgram);
    const links = idsAfter("link", this.#lastLink);
    if (programs.length === 0 && links.length === 0) return false;
    this.#lastProgram = programs.at(-1) ?? this.#lastProgram;
    this.#lastLink = links.at(-1) ?? this.#lastLink;
    const own = new Set(this.#ours().flatMap(programsHeldBy));
    const fresh = programs.flatMap((id) => (own.has(id) ? [] : (programById(id) ?? [])));
    for (const one of fresh) if (one.type !== null) this.#programs.set(one.id, one);
    const freshLinks = links.flatMap((id) => linkById(id) ?? []);
    for (const one of freshLinks) if (!own.has(one.program)) this.#links.set(one.id, one);
    if (fresh.some(({ type }) => type !== null)) this.#findHolders();
    return true;
  }

  #findHolders(): void {
    const own = new Set(this.#ours());
    for (const pid of processes()) {
      if (own.has(pid) || this.#holders.has(pid)) continue;
      const held: Descriptors = new Map();
      readDescriptors(pid, held);
      if ([...held.values()].some((one) => one !== null && this.#programs.has(one.program))) {
        this.#holders.set(pid, held);
      }
    }
  }

  #forget(): boolean {
    const gone = [...this.#programs.keys()].filter((id) => !isThere("program", id));
    const goneLinks = [...this.#links.keys()].filter((id) => !isThere("link", id));
    for (const id of gone) this.#programs.delete(id);
    for (const id of goneLinks) this.#links.delete(id);
    const located = this.#located();
    this.#asked = this.#asked.filter(
      ({ program }) => this.#programs.has(program) && !located.has(program),
    );
    return gone.length > 0 || goneLinks.length > 0;
  }

  /** Looks at descriptors that the holders opened and closed; whether one of them leads to a program. */
  #refresh(): boolean {
    let changed = false;
    for (const [pid, held] of this.#holders) {
      if (readDescriptors(pid, held)) changed = true;
      if ([...held.values()].every((one) => one === null)) this.#holders.delete(pid);
    }
    return changed;
  }

  #lookAtDevices(namespaces: readonly NetworkNamespace[], again: boolean): boolean {
    const wanted = [...this.#programs.values()].some(({ type }) => DEVICE_TYPES.has(type ?? ""));
    const which = wanted ? namespaces.map(({ inode }) => inode).join() : "";
    if (which === this.#namespaces && !(again && wanted)) return false;
    this.#namespaces = which;
    this.#onDevices = (wanted ? namespaces : []).flatMap((namespace) =>
      devicePrograms(namespace).map(({ device, hook, program }) => ({
        program,
        type: hook === "xdp" ? "xdp" : "tc",
        where: `${namespace.name}/${device} ${hook}`,
      })),
    );
    return true;
  }

  #lookAtFtrace(): boolean {
    const state = JSON.stringify(this.#tracefs?.instances() ?? []);
    const changed = state !== this.#ftrace;
    this.#ftrace = state;
    return changed;
  }

  /** Programs of which a perf event is seen: on a frame's way or elsewhere. */
  #located(): Set<number> {
    const links = [...this.#links.values()].filter(({ kind }) => kind === "perf_event");
    const held = [...this.#holders.values()].flatMap((one) => [...one.values()]);
    return new Set([
      ...links.map(({ program }) => program),
      ...held.flatMap((one) => (one?.probe == null ? [] : [one.program])),
    ]);
  }

  /** Asks the tracepoints for programs that sit on them by a perf event that no process here is seen to hold. */
  #ask(): boolean {
    const located = this.#located();
    const homeless = [...this.#programs.values()].some(
      ({ id, type }) => type === "tracepoint" && !located.has(id),
    );
    if (!homeless || this.#tracefs === null) return false;
    const tracefs = this.#tracefs;
    this.#asked = FRAME_TRACEPOINTS.flatMap((where) => {
      const number = tracefs.eventNumber(where);
      const programs = number === null ? [] : programsOnTracepoint(number);
      return programs.map((program) => ({ program, type: "tracepoint", where }));
    });
    return true;
  }

  #settle(): void {
    const found = [...this.#places().flatMap((place) => this.#probeOf(place)), ...this.#traced()];
    for (const one of found) {
      const key = foreignKey(one);
      if (!this.#known.has(key)) this.#known.set(key, one);
    }
    this.#present = [...new Set(found.map(foreignKey))].sort();
  }

  #places(): Place[] {
    return [
      ...[...this.#holders.values()].flatMap((held) =>
        [...held.values()].flatMap((one) => (one?.probe == null ? [] : placesOf(one.probe))),
      ),
      ...[...this.#links.values()].flatMap((link) => this.#placesOfLink(link)),
      ...this.#asked,
      ...this.#onDevices,
    ];
  }

  #placesOfLink(link: BpfLink): Place[] {
    const { program } = link;
    switch (link.kind) {
      case "raw_tracepoint":
        return placesOf({ program, type: "raw_tracepoint", name: link.name });
      case "perf_event":
        return placesOf({ program, type: link.type, name: link.name });
      case "kprobe_multi":
        return functionsAt(link.addresses).map((where) => ({ program, type: "kprobe", where }));
      case "tracing": {
        const target = this.#programs.get(program)?.target ?? link.target;
        const home = target === null ? null : btfName(target.btf);
        if (target === null || home === null) return [];
        const where = functionInBtf(home, target.type);
        const type = TRACING_TYPES[link.attach] ?? "tracing";
        return where === null ? [] : [{ program, type, where }];
      }
      default:
        return [];
    }
  }

  #probeOf({ program, type, where }: Place): ForeignProbe[] {
    const known = this.#programs.get(program);
    if (known === undefined) return [];
    const holders = [...this.#holders].filter(([, held]) => programsOf(held).includes(program));
    return [{ id: program, name: known.name, type, where, ...holderOf(holders[0]?.[0] ?? null) }];
  }

  #traced(): ForeignProbe[] {
    const tracefs = this.#tracefs;
    if (tracefs === null) return [];
    const active = (JSON.parse(this.#ftrace) as ReturnType<Tracefs["instances"]>).flatMap((one) => {
      const added = one.events.some((event) => frameEvent(event) === null);
      const probes = added ? tracefs.addedProbes() : new Map<string, string>();
      const events = one.events.flatMap((event) => frameEvent(event) ?? probed(probes, event));
      const places = [...events, ...tracersOf(tracefs, one)];
      return places.map((where) => ({ instance: one.name, where }));
    });
    if (active.length === 0) return [];
    const readers = traceReaders();
    return active.map(({ instance, where }) => ({
      ...{ id: null, name: "ftrace", type: "ftrace" },
      where: instance === "" ? where : `${where} (tracefs instance ${instance})`,
      ...holderOf(readers.get(instance) ?? null),
    }));
  }
}

/** Reads what is new among a process's descriptors, and forgets what is closed; whether either led to a program. */
function readDescriptors(pid: number, held: Descriptors): boolean {
  const names = new Set(entries(`/proc/${pid}/fd`));
  let changed = false;
  for (const [name, one] of held) {
    if (names.has(name)) continue;
    held.delete(name);
    if (one !== null) changed = true;
  }
  for (const name of names) {
    if (held.has(name)) continue;
    const one = examine(pid, name);
    // A perf event is opened first and given its program then.
    if (one === "later") continue;
    held.set(name, one);
    if (one !== null) changed = true;
  }
  return changed;
}

function examine(pid: number, fd: string): Held | null | "later" {
  const target = targetOf(pid, fd);
  if (target === null || !/^anon_inode:.*(bpf|perf_event)/.test(target)) return null;
  if (/perf_event|bpf-raw-tracepoint/.test(target)) {
    const probe = heldProbe(pid, Number(fd));
    return probe === null ? "later" : { program: probe.program, probe };
  }
  const program = programIn(pid, fd);
  return program === null ? null : { program, probe: null };
}

function programIn(pid: number, fd: string): number | null {
  try {
    const id = parseFdinfo(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")).get("prog_id");
    return id === undefined ? null : Number(id);
  } catch {
    return null; // closed meanwhile
  }
}

function targetOf(pid: number, fd: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return null; // closed meanwhile, or not ours to see
  }
}

function programsHeldBy(pid: number): number[] {
  const held: Descriptors = new Map();
  readDescriptors(pid, held);
  return programsOf(held);
}

function programsOf(held: Descriptors): number[] {
  return [...held.values()].flatMap((one) => one?.program ?? []);
}

/** Where a program sits, if that is on a frame's way. */
function placesOf({ program, type, name }: HeldProbe): Place[] {
  const where = type.endsWith("tracepoint")
    ? frameTracepoint(name)
    : isFrameFunction(name)
      ? name
      : null;
  return where === null ? [] : [{ program, type, where }];
}

function holderOf(pid: number | null): Pick<ForeignProbe, "pid" | "process" | "container"> {
  if (pid === null) return { pid, process: null, container: null };
  const container = containerId(cgroupOf(pid) ?? "");
  return { pid, process: commandOf(pid) || null, container };
}

/** An event of ftrace, where it is on a frame's way. */
function frameEvent(event: string): string | null {
  return FRAME_TRACEPOINTS.includes(event) ? event : null;
}

function probed(probes: ReadonlyMap<string, string>, event: string): string[] {
  const name = probes.get(event);
  return name !== undefined && isFrameFunction(name) ? [name] : [];
}

/** What a function tracer is on, where frames pass that. */
function tracersOf(tracefs: Tracefs, { name, tracer }: { name: string; tracer: string }): string[] {
  if (!FUNCTION_TRACERS.has(tracer)) return [];
  const limited = tracefs.tracedFunctions(name);
  return limited === null || limited.some(isFrameFunction) ? [`tracer ${tracer}`] : [];
}

/** Processes that read an instance's trace as it is written, as trace-cmd does. */
function traceReaders(): Map<string, number> {
  return new Map(
    processes().flatMap((pid) =>
      entries(`/proc/${pid}/fd`).flatMap((fd) => {
        const instance = readsTraceOf(targetOf(pid, fd) ?? "");
        return instance === null ? [] : [[instance, pid] as const];
      }),
    ),
  );
}
