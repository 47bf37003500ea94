import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { PrerequisiteError } from "../system/errors.ts";
import type { NetworkNamespace } from "../system/netns.ts";
import { patience } from "../system/patience.ts";
import { killGroup } from "../system/process-group.ts";

/**
 * A process that holds two namespaces open and outlives us by one teardown. Its end of our pipe closes when we die,
 * however that happens: then it kills the command that was running and tears down, within the time limit.
 */
export interface NamespaceHolder {
  /** Where any process of the host finds the namespaces. */
  readonly paths: readonly [string, string];
  /** Tells it which process group runs a command at the moment; null for none. */
  running(group: number | null): void;
  /** Lets it go without a teardown. */
  release(): Promise<void>;
}

// Signals are ignored: who ends all of a session or a unit must not end the teardown with it. Only a subshell closes the
// descriptors, and a last line follows it: the shell itself has to stay and to keep them, for they are the namespaces.
const SCRIPT = `trap '' HUP INT TERM
limit=$1; shift
group=
while read -r word; do
  [ "$word" = done ] && exit 0
  group=$word
done
[ "$group" -gt 0 ] 2>/dev/null && kill -s KILL -- "-$group"
[ $# -eq 0 ] || (
  exec 3<&- 4<&-
  exec timeout -s KILL "$limit" "$@" "/proc/$$/fd/3" "/proc/$$/fd/4"
)
exit
`;

const RELEASE_MS = patience(2_000);

export function holdNamespaces(
  [a, b]: readonly [NetworkNamespace, NetworkNamespace],
  teardown: readonly string[] | null,
  limitMs: number,
): NamespaceHolder {
  const limit = String(Math.max(0.001, limitMs / 1000));
  const child = spawn("sh", ["-c", SCRIPT, "sh", limit, ...(teardown ?? [])], {
    // What it says would go nowhere: it speaks when we are dead.
    stdio: ["pipe", "ignore", "ignore", a.fd, b.fd],
    // What kills our process group must not take it along.
    detached: true,
    env: { ...process.env, LC_ALL: "C" },
  });
  const { pid } = child;
  // It may have been killed before us.
  child.stdin?.on("error", () => {});
  child.on("error", () => {});
  if (pid === undefined) throw new PrerequisiteError("sh could not be started");
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return {
    paths: [`/proc/${pid}/fd/3`, `/proc/${pid}/fd/4`],
    running: (group) => void child.stdin?.write(`${group ?? 0}\n`),
    release: () => release(child),
  };
}

async function release(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = once(child, "exit");
  const timer = setTimeout(() => killGroup(child.pid), RELEASE_MS);
  child.stdin?.write("done\n");
  await ended;
  clearTimeout(timer);
}
