import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { ToolError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { entriesUnder, writeCpio } from "./cpio.ts";
import { runTool } from "./tool.ts";

/** What a plan can ask of a kernel; the modules these depend on come along. Built in is as good, absent too. */
export const WANTED_MODULES = [
  "bridge",
  "veth",
  "br_netfilter",
  "8021q",
  "dummy",
  "af_packet",
  "nf_tables",
  "nf_conntrack",
  "nf_conntrack_bridge",
  "nft_meta_bridge",
  "sch_fq_codel",
  "sch_fq",
  "sch_netem",
  "sch_tbf",
] as const;

/** Where a kernel's modules lie: each file by its path below `kernel/`, and the lists of what is built in. */
export interface ModuleSource {
  /** Path below lib/modules/<release>/, path on the host. */
  files: Map<string, string>;
  /** modules.builtin, modules.builtin.modinfo and modules.order, as far as there. */
  lists: string[];
}

export const NO_MODULES: ModuleSource = { files: new Map(), lists: [] };

const LISTS = ["modules.builtin", "modules.builtin.modinfo", "modules.order"];
const MODULE = /\.ko(\.xz|\.zst|\.gz)?$/;

/** Reads a folder lib/modules/<release>. */
export async function modulesIn(folder: string): Promise<ModuleSource> {
  const files = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !MODULE.test(entry.name)) continue;
    const host = path.join(entry.parentPath, entry.name);
    files.set(path.relative(folder, host), host);
  }
  return { files, lists: presentLists(folder) };
}

export function presentLists(folder: string): string[] {
  return LISTS.map((name) => path.join(folder, name)).filter((file) => existsSync(file));
}

/** Makes the archive of the modules a guest needs, indexed by depmod here so that no guest has to. */
export async function packModules(
  source: ModuleSource,
  release: string,
  work: string,
  archive: string,
  signal?: AbortSignal,
): Promise<void> {
  const stage = path.join(work, "stage");
  const target = path.join(stage, "lib", "modules", release);
  await mkdir(target, { recursive: true });
  for (const [relative, host] of await withDependencies(source, signal)) {
    await mkdir(path.dirname(path.join(target, relative)), { recursive: true });
    await copyFile(host, path.join(target, relative));
  }
  for (const list of source.lists) await copyFile(list, path.join(target, path.basename(list)));
  const result = await runTool("depmod", ["-b", stage, release], { signal });
  if (result.exitCode !== 0) {
    throw new ToolError(
      "depmod",
      `depmod could not index the modules of ${release}: ${printable(result.stderr.trim().split("\n")[0] ?? "")}`,
    );
  }
  // The userland is usr-merged, whatever the kernel's package is.
  const entries = entriesUnder(stage, (relative) => `usr/${relative}`);
  await writeCpio(archive, entries, signal);
}

async function withDependencies(
  source: ModuleSource,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const byName = new Map<string, string>();
  for (const relative of source.files.keys()) byName.set(moduleName(relative), relative);
  const chosen = new Map<string, string>();
  let open = WANTED_MODULES.map(canonical);
  while (open.length > 0) {
    const fresh = new Map<string, string>();
    for (const name of open) {
      const relative = byName.get(name);
      const host = relative === undefined ? undefined : source.files.get(relative);
      if (relative === undefined || host === undefined || chosen.has(relative)) continue;
      fresh.set(relative, host);
      chosen.set(relative, host);
    }
    open = fresh.size === 0 ? [] : await dependencies([...fresh.values()], signal);
  }
  return chosen;
}

async function dependencies(files: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const result = await runTool("modinfo", ["-F", "depends", ...files], { signal });
  if (result.exitCode !== 0) {
    throw new ToolError(
      "modinfo",
      `modinfo cannot read the kernel's modules: ${printable(result.stderr.trim().split("\n")[0] ?? "")}`,
    );
  }
  return result.stdout
    .split(/[,\n]/)
    .filter((name) => name !== "")
    .map(canonical);
}

function moduleName(file: string): string {
  return canonical(path.basename(file).replace(MODULE, ""));
}

/** A module's name has underscores where its file may have hyphens. */
function canonical(name: string): string {
  return name.replaceAll("-", "_");
}
