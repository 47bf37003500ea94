import { readFile, stat } from "node:fs/promises";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { folders } from "./app.ts";
import { type Entry, entriesUnder } from "./cpio.ts";
import { ABILITIES, type Ability, INIT } from "./init.ts";

export interface GuestJob {
  /** Command line in the guest; the first word is looked up in its PATH. */
  argv: string[];
  env?: Record<string, string>;
  /** Host files or folders, or texts, and the absolute paths they get in the guest. */
  files?: ({ from: string; to: string } | { text: string; to: string })[];
  /** Longest the guest may take, from power on to power off. */
  timeoutMs: number;
  /** What the kernel must have, or the job is not begun; a bridge, veth and BTF when absent. */
  requires?: readonly Ability[];
}

/** What is the guest's alone: init, the job, its files and the kernel's configuration. */
export async function* jobEntries(
  job: GuestJob,
  kernel: { release: string; config: string | null },
  env: Record<string, string>,
): AsyncGenerator<Entry> {
  yield { path: "init", kind: "file", mode: 0o755, data: Buffer.from(INIT) };
  yield { path: "job", kind: "folder" };
  yield { path: "job/run", kind: "file", data: Buffer.from(jobScript(job.argv, env)) };
  const requires = (job.requires ?? ABILITIES).join(" ");
  yield { path: "job/requires", kind: "file", data: Buffer.from(`${requires}\n`) };
  yield { path: "boot", kind: "folder" };
  if (kernel.config !== null) {
    const data = await readFile(kernel.config);
    yield { path: `boot/config-${kernel.release}`, kind: "file", data };
  }
  for (const file of job.files ?? []) yield* given(file);
}

async function* given(file: NonNullable<GuestJob["files"]>[number]): AsyncGenerator<Entry> {
  const { to } = file;
  if (!/^(\/[^/]+)+$/.test(to) || /\/\.\.?(\/|$)/.test(to)) {
    throw new UsageError(`"${printable(to)}" is no absolute path for a file in the guest`);
  }
  const target = to.slice(1);
  const above = target.split("/").slice(0, -1).join("/");
  if (above !== "") yield* folders(above);
  if ("text" in file) {
    yield { path: target, kind: "file", data: Buffer.from(file.text) };
    return;
  }
  const { from } = file;
  const host = await stat(from).catch((cause: unknown) => {
    throw new UsageError(`${printable(from)} is not there to be taken into the guest`, { cause });
  });
  if (!host.isDirectory()) {
    const data = await readFile(from);
    yield { path: target, kind: "file", mode: host.mode & 0o777, data };
    return;
  }
  yield { path: target, kind: "folder" };
  yield* entriesUnder(from, (relative) => `${target}/${relative}`);
}

/** The job as a script for dash; every word is quoted. */
function jobScript(argv: readonly string[], env: Record<string, string>): string {
  const variables = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw new UsageError(`"${printable(name)}" is no name for an environment variable`);
    }
    return `export ${name}=${quoted(value)}\n`;
  });
  return `${variables.join("")}cd /root\nexec ${argv.map(quoted).join(" ")}\n`;
}

function quoted(word: string): string {
  if (word.includes("\0")) throw new UsageError("a guest's command line cannot hold a NUL");
  return `'${word.replaceAll("'", "'\\''")}'`;
}
