/** Which network namespace is meant: by what people call it, or by what this program itself prints. */
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { type CommandOptions, type CommandResult, run } from "../system/command.ts";
import { BridgescopeError, HangError, PrerequisiteError, UsageError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { closeNamespace, inNamespace, type NetworkNamespace, openPath } from "../system/netns.ts";
import { commandOf, containerId } from "../system/processes.ts";
import { hostSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { ownersOf } from "./owner.ts";
import { type KnownPlace, listPlaces } from "./places.ts";
import type { Owner } from "./state.ts";

/**
 * The path of the namespace that the bridge of a kept lab is in; null where no lab is called so. Rejected with a
 * BridgescopeError where that lab has none, or none any more.
 */
export type Labs = (name: string) => Promise<string | null>;

export interface NamespaceSearch {
  /** Without them no lab is looked for. */
  labs?: Labs | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a namespace by a path, a PID, a name of `ip netns`, a container's name or id, a lab's name, or as it is printed:
 * `host`, `netns red`, `container web`, `pod default/web-1`, `pid 4711 (redis)`, `docker namespace 1-x`, `lab web`,
 * `net:[4026532000]`. A UsageError says what was looked for, or what the choices are. `name` is what it is called.
 */
export async function findNamespace(
  text: string,
  name: string,
  search: NamespaceSearch = {},
): Promise<NetworkNamespace> {
  return opened(await pathOf(text, search), text, name);
}

/** The same as a place. */
export async function placeOf(text: string, search: NamespaceSearch = {}): Promise<KnownPlace> {
  const at = await pathOf(text, search);
  const namespace = opened(at, text, text);
  try {
    const { inode } = namespace;
    const known = listPlaces().find((place) => place.inode === inode);
    // Held by a mount elsewhere or by a descriptor alone: the path that led there still does.
    const held = { path: path.resolve(at), own: false, label: text, pid: null, netns: null };
    return known ?? { inode, ...held };
  } finally {
    closeNamespace(namespace);
  }
}

interface Candidate {
  path: string;
  /** What names it and, mostly, nothing else. */
  said: string;
}

/** What may stand in front of a name. */
const KINDS = /^(netns|container|pod|lab) (.+)$/s;
const PROCESS = /^(?:pid )?(\d+)(?: \((.*)\))?$/s;
const MACHINE = /^vm .* \(pid (\d+)\)$/s;
/** Once there is one, nobody waits longer for a container runtime to tell of another. */
const RUNTIME_MS = 2000;

async function pathOf(text: string, { labs, signal }: NamespaceSearch): Promise<string> {
  const [, kind, rest = text] = KINDS.exec(text) ?? [];
  const [, number, comm] = PROCESS.exec(text) ?? [];
  const printed = kind !== undefined || number !== undefined || MACHINE.test(text);
  if (!printed && text.includes("/")) return text;
  const named = kind === undefined || kind === "netns";
  const candidates: Candidate[] = [];
  const looked: string[] = [];
  let fault: Error | null = null;
  const add = (candidate: Candidate | null, what: string) => {
    if (candidate === null) looked.push(what);
    else candidates.push(candidate);
  };
  if (number !== undefined) add(processAt(number, comm, text), `a process ${number}`);
  if (named && comm === undefined) {
    const file = `${hostSite.netnsFolder}/${rest}`;
    add(isName(rest) ? { path: file, said: `netns ${rest}` } : null, file);
  }
  candidates.push(...(await labelled(text)));
  if (kind === "pod") looked.push("the owners of all namespaces");
  if (kind === "lab" || (kind === undefined && number === undefined)) {
    const lab = await labNamed(rest, labs);
    if (lab instanceof Error) fault = lab;
    else add(lab, "a lab (`bridgescope lab ls` lists those)");
  }
  // An id may begin with any number, and whoever gives one that is a PID means that.
  if (kind === "container" || (kind === undefined && (number === undefined || !candidates[0]))) {
    const others = candidates.length > 0;
    const asked = await containersNamed(rest, { signal, ...(others && { timeoutMs: RUNTIME_MS }) });
    candidates.push(...asked.found);
    looked.push(...asked.tried);
    if (asked.stopped !== null) fault ??= new UsageError(asked.stopped);
  }
  const found = different(candidates);
  if (found.length > 1) throw new UsageError(ambiguous(text, found));
  const [one] = found;
  if (one !== undefined) return one.path;
  if (fault !== null) throw fault;
  const [, machine] = MACHINE.exec(text) ?? [];
  if (machine !== undefined) {
    throw new UsageError(
      `"${printable(text)}" is a virtual machine, and what namespaces are in it its own kernel knows alone: run bridgescope there; "pid ${machine}" is where it runs on this host`,
    );
  }
  throw new UsageError(
    `there is no namespace "${printable(text)}": looked for ${looked.join(", ")}`,
  );
}

/** Null where there is no such process; `comm` is what it was called, if that was said. */
function processAt(number: string, comm: string | undefined, text: string): Candidate | null {
  if (!existsSync(`/proc/${number}`)) return null;
  const now = commandOf(Number(number));
  if (comm !== undefined && comm !== printable(now)) {
    throw new UsageError(
      `"${printable(text)}" is no more: process ${number} is "${printable(now)}" now; "${number}" alone means that one`,
    );
  }
  return { path: `/proc/${number}/ns/net`, said: `pid ${number} (${now})` };
}

function isName(name: string): boolean {
  return !/^\.{1,2}$|\//.test(name) && existsSync(`${hostSite.netnsFolder}/${name}`);
}

/** Those that this program calls so wherever it prints them, or their container. */
async function labelled(text: string): Promise<Candidate[]> {
  const places = listPlaces();
  const owners = await ownersOf(places, new Map());
  return places
    .filter((place) =>
      labelsOf(place, owners.get(place.inode)).some((label) => printable(label) === text),
    )
    .map((place) => ({
      path: place.path,
      said: place.label === "host" ? "host" : (owners.get(place.inode)?.label ?? place.label),
    }));
}

function labelsOf({ inode, label, netns }: KnownPlace, owner: Owner | undefined): string[] {
  // Foreign probes are told with the first digits of an id.
  const id = containerId(owner?.cgroup ?? "");
  const containers = [
    ...(owner?.container ? [owner.container] : []),
    ...(id === null ? [] : [id, id.slice(0, 12)]),
  ];
  return [
    ...[label, `net:[${inode}]`],
    ...(netns === null ? [] : [`netns ${netns}`]),
    ...(owner === undefined ? [] : [owner.label]),
    ...containers.flatMap((container) => [container, `container ${container}`]),
  ];
}

/** With an error where that lab has no such namespace; then it is another's name, or nobody's. */
async function labNamed(
  name: string,
  labs: Labs | undefined,
): Promise<Candidate | BridgescopeError | null> {
  try {
    const at = (await labs?.(name)) ?? null;
    return at === null ? null : { path: at, said: `lab ${name}` };
  } catch (error) {
    if (error instanceof BridgescopeError) return error;
    throw error;
  }
}

/** One for each namespace; what leads to none only where nothing leads to one, so that its fault is told. */
function different(candidates: readonly Candidate[]): (Candidate & { inode: number })[] {
  const known = new Map<number, Candidate & { inode: number }>();
  for (const candidate of candidates) {
    const inode = inodeOf(candidate.path);
    if (inode !== 0 && !known.has(inode)) known.set(inode, { ...candidate, inode });
  }
  return known.size > 0
    ? [...known.values()]
    : candidates.slice(0, 1).map((candidate) => ({ ...candidate, inode: 0 }));
}

/** 0 for what is no namespace. */
function inodeOf(file: string): number {
  try {
    const { ino, dev } = statSync(file);
    return dev === statSync("/proc/self/ns/net").dev ? ino : 0;
  } catch {
    return 0;
  }
}

function ambiguous(text: string, found: readonly { said: string; inode: number }[]): string {
  const choices = found.map(({ said, inode }) => {
    const alone = said !== text && found.filter((other) => other.said === said).length === 1;
    return `"${printable(alone ? said : `net:[${inode}]`)}"`;
  });
  return `"${printable(text)}" is the name of ${found.length} network namespaces; say which: ${choices.join(", ")}`;
}

function opened(at: string, text: string, name: string): NetworkNamespace {
  const said = printable(text);
  let namespace: NetworkNamespace;
  try {
    // To open a pipe or a device could hang, or do something.
    if (!statSync(at).isFile()) throw new UsageError(`"${said}" is no network namespace`);
    namespace = openPath(name, at);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "is not there" : `cannot be opened (${code})`;
    throw new UsageError(`the namespace "${said}" ${why}: looked for ${printable(at)}`, { cause });
  }
  try {
    inNamespace(namespace, () => {});
    return namespace;
  } catch (cause) {
    closeNamespace(namespace);
    if (!(cause instanceof SystemCallError)) throw cause;
    throw new UsageError(
      `"${said}" is no network namespace that can be entered (${cause.message}): looked at ${printable(at)}`,
      { cause },
    );
  }
}

/** How each tool is asked for the process that is a container's first. */
const TOOLS = [
  { tool: "docker", words: ["inspect", "--type", "container", "--format", "{{.State.Pid}}"] },
  { tool: "podman", words: ["inspect", "--type", "container", "--format", "{{.State.Pid}}"] },
  { tool: "crictl", words: ["inspect", "--output", "go-template", "--template", "{{.info.pid}}"] },
] as const;

/** What names and ids of containers are made of; everything else could be taken for an option. */
const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

interface Asked {
  found: Candidate[];
  /** Where none was found, what was tried and what came of it, a phrase each. */
  tried: string[];
  /** A sentence about one that does not run. */
  stopped: string | null;
}

/** Running containers of that name or id, of all runtimes that are here. */
async function containersNamed(name: string, options: CommandOptions): Promise<Asked> {
  const asked: Asked = { found: [], tried: [], stopped: null };
  if (!CONTAINER.test(name)) return { ...asked, tried: ["a container (that is no name of one)"] };
  for (const { tool, words } of TOOLS) {
    const answer = await ask(tool, [...words, name], options);
    if (answer === null) continue;
    const pid = answer.stdout.trim();
    if (answer.exitCode === 0 && /^\d+$/.test(pid)) {
      if (Number(pid) > 0) {
        asked.found.push({ path: `/proc/${pid}/ns/net`, said: `container ${name}` });
      } else {
        asked.stopped = `the container ${name} does not run (says ${tool}): start it first`;
      }
      continue;
    }
    const said = printable(answer.stderr.trim().split("\n").at(-1) ?? "").slice(0, 200);
    asked.tried.push(`a container of ${tool}'s (${said || `it ended with ${answer.exitCode}`})`);
  }
  const none = ["a container (no docker, podman or crictl is here)"];
  return { ...asked, tried: asked.tried.length > 0 ? asked.tried : none };
}

/** Null where the tool is not installed, or did not answer in the time that it was given. */
async function ask(
  tool: string,
  words: readonly string[],
  options: CommandOptions,
): Promise<CommandResult | null> {
  try {
    return await run(tool, words, options);
  } catch (error) {
    if (error instanceof PrerequisiteError) return null;
    if (error instanceof HangError && options.timeoutMs !== undefined) return null;
    throw error;
  }
}
