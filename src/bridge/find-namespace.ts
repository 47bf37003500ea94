import { existsSync, statSync } from "node:fs";
import { run } from "../system/command.ts";
import { PrerequisiteError, UsageError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { closeNamespace, inNamespace, type NetworkNamespace, openPath } from "../system/netns.ts";
import { hostSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";

/** Opens a namespace by a path, a PID, a name of `ip netns`, or a container's name or id; in this order. */
export async function findNamespace(
  text: string,
  name: string,
  signal?: AbortSignal,
): Promise<NetworkNamespace> {
  if (text.includes("/")) return opened(text, text, name);
  const process = `/proc/${text}`;
  if (/^\d+$/.test(text) && existsSync(process)) return opened(`${process}/ns/net`, text, name);
  const named = `${hostSite.netnsFolder}/${text}`;
  if (!/^\.{1,2}$/.test(text) && existsSync(named)) return opened(named, text, name);
  const { pid, tried } = await containerPid(text, signal);
  if (pid !== null) return opened(`/proc/${pid}/ns/net`, text, name);
  const looked = [
    ...(/^\d+$/.test(text) ? [`a process ${text}`] : []),
    named,
    ...(tried.length === 0 ? ["a container (no docker, podman or crictl is here)"] : tried),
  ];
  throw new UsageError(
    `there is no namespace "${printable(text)}": looked for ${looked.join(", ")}`,
  );
}

function opened(path: string, text: string, name: string): NetworkNamespace {
  const said = printable(text);
  let namespace: NetworkNamespace;
  try {
    // To open a pipe or a device could hang, or do something.
    if (!statSync(path).isFile()) throw new UsageError(`"${said}" is no network namespace`);
    namespace = openPath(name, path);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "is not there" : `cannot be opened (${code})`;
    throw new UsageError(`the namespace "${said}" ${why}: looked for ${printable(path)}`, {
      cause,
    });
  }
  try {
    inNamespace(namespace, () => {});
    return namespace;
  } catch (cause) {
    closeNamespace(namespace);
    if (!(cause instanceof SystemCallError)) throw cause;
    throw new UsageError(
      `"${said}" is no network namespace that can be entered (${cause.message}): looked at ${printable(path)}`,
      { cause },
    );
  }
}

/** How each tool is asked for the process that is a container's first; `pid` reads its answer. */
const TOOLS = [
  { tool: "docker", words: ["inspect", "--type", "container", "--format", "{{.State.Pid}}"] },
  { tool: "podman", words: ["inspect", "--type", "container", "--format", "{{.State.Pid}}"] },
  { tool: "crictl", words: ["inspect", "--output", "go-template", "--template", "{{.info.pid}}"] },
] as const;

/** What names and ids of containers are made of; everything else could be taken for an option. */
const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** The host's PID of a running container; with null, what was tried and what came of it, a phrase each. */
async function containerPid(
  name: string,
  signal?: AbortSignal,
): Promise<{ pid: number | null; tried: string[] }> {
  const tried: string[] = [];
  if (!CONTAINER.test(name)) return { pid: null, tried: ["a container (that is no name of one)"] };
  for (const { tool, words } of TOOLS) {
    const answer = await ask(tool, [...words, name], signal);
    if (answer === null) continue;
    const pid = Number(answer.stdout.trim());
    if (answer.exitCode === 0 && Number.isInteger(pid) && answer.stdout.trim() !== "") {
      if (pid > 0) return { pid, tried };
      throw new UsageError(`the container ${name} does not run (says ${tool}): start it first`);
    }
    const said = printable(answer.stderr.trim().split("\n").at(-1) ?? "").slice(0, 200);
    tried.push(`a container of ${tool}'s (${said || `it ended with ${answer.exitCode}`})`);
  }
  return { pid: null, tried };
}

/** Null where the tool is not installed. */
async function ask(tool: string, words: readonly string[], signal?: AbortSignal) {
  try {
    return await run(tool, words, { signal });
  } catch (error) {
    if (error instanceof PrerequisiteError) return null;
    throw error;
  }
}
