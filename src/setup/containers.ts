import { run } from "../system/command.ts";
import { PrerequisiteError, UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";

/** How each tool is asked for the process that is a container's first; `pid` reads its answer. */
const TOOLS = [
  { tool: "docker", words: ["inspect", "--type", "container", "--format", "{{.State.Pid}}"] },
  { tool: "podman", words: ["inspect", "--type", "container", "--format", "{{.State.Pid}}"] },
  { tool: "crictl", words: ["inspect", "--output", "go-template", "--template", "{{.info.pid}}"] },
] as const;

/** What names and ids of containers are made of; everything else could be taken for an option. */
const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** The host's PID of a running container; with null, what was tried and what came of it, a phrase each. */
export async function containerPid(
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
