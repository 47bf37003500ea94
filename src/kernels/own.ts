import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { readRelease } from "./bzimage.ts";
import { discard, requireRoom, withTemporary } from "./cache.ts";
import { CONFIG, MODULES, VMLINUZ } from "./files.ts";
import { type Cached, readShelf, shelve } from "./manifest.ts";
import { type ModuleSource, modulesIn, NO_MODULES, packModules, presentLists } from "./modules.ts";
import type { EnsureOptions } from "./options.ts";
import { type KernelSpec, TREE_IMAGE } from "./spec.ts";
import { runTool } from "./tool.ts";

const ROOM_MB = 200;

/** Of one place, besides the newest: a bisection goes through many, and a run may still boot the last. */
const KEPT_BUILDS = 2;

type OwnSpec = KernelSpec & { kind: "image" | "tree" };

/** What a developer's kernel consists of, where they built it. */
interface Parts {
  image: string;
  config: string | null;
  source: string;
  modules(release: string): Promise<ModuleSource>;
}

/** A developer's own kernel, copied: the tree may be built anew while its kernel is measured. */
export async function ensureOwnImage(spec: OwnSpec, options: EnsureOptions): Promise<Cached> {
  await requireRoom(ROOM_MB, `taking ${spec.text}`);
  const parts = spec.kind === "tree" ? await ofTree(spec) : ofImage(spec);
  const release = await readRelease(parts.image);
  options.progress?.(`taking ${release} with its modules`);
  const cached = await withTemporary(async (work) => {
    const made = path.join(work, "made");
    await mkdir(made);
    await copyFile(parts.image, path.join(made, VMLINUZ));
    const source = await parts.modules(release);
    await packModules(source, release, work, path.join(made, MODULES), options.signal);
    const config = parts.config ?? configBeside(parts.image, release, spec.modules);
    if (config !== null) await copyFile(config, path.join(made, CONFIG));
    const about = {
      kind: "image" as const,
      spec: spec.text,
      name: `own-${release}`,
      release,
      source: parts.source,
      recipe: "own",
      packages: {},
    };
    return shelve(made, about, options.signal);
  });
  const older = (await readShelf("images")).filter(
    ({ manifest, id }) => manifest.spec === spec.text && id !== cached.id,
  );
  for (const old of older.slice(KEPT_BUILDS)) await discard("images", old.id);
  return cached;
}

function ofImage(spec: KernelSpec & { kind: "image" }): Parts {
  return {
    image: spec.image,
    config: null,
    source: path.basename(spec.image),
    modules: (release) => givenModules(spec.modules, release),
  };
}

async function ofTree(spec: KernelSpec & { kind: "tree" }): Promise<Parts> {
  const config = path.join(spec.tree, ".config");
  return {
    image: path.join(spec.tree, TREE_IMAGE),
    config: existsSync(config) ? config : null,
    source: await describeTree(spec.tree),
    modules: (release) =>
      spec.modules === null ? treeModules(spec.tree) : givenModules(spec.modules, release),
  };
}

/** The modules as the build left them, by the list it writes; `make modules_install` is not needed. */
async function treeModules(tree: string): Promise<ModuleSource> {
  const order = path.join(tree, "modules.order");
  if (!existsSync(order)) return NO_MODULES;
  const files = new Map<string, string>();
  for (const line of (await readFile(order, "utf8")).split("\n")) {
    // `kernel/net/llc/llc.ko` up to 6.2, `net/llc/llc.o` from then on.
    const relative = /^(?:kernel\/)?(\S+)\.k?o$/.exec(line)?.[1];
    if (relative === undefined) continue;
    const host = path.join(tree, `${relative}.ko`);
    if (existsSync(host)) files.set(`kernel/${relative}.ko`, host);
  }
  return { files, lists: presentLists(tree) };
}

/** A folder lib/modules/<release>, or one that `make modules_install` was given, or an empty one. */
async function givenModules(folder: string | null, release: string): Promise<ModuleSource> {
  if (folder === null) return NO_MODULES;
  const places = ["lib/modules", "usr/lib/modules", "."].map((part) =>
    path.join(folder, part, release),
  );
  for (const place of places) {
    if ((await stat(place).catch(() => null))?.isDirectory()) return modulesIn(place);
  }
  const names = await readdir(folder);
  if (names.length === 0) return NO_MODULES;
  if (names.includes("kernel") && path.basename(folder) === release) {
    return modulesIn(folder);
  }
  throw new UsageError(
    `${printable(folder)} holds no modules of ${release}, the release of the image: expected lib/modules/${release}, or a folder made by make modules_install`,
  );
}

/** As distributions put it in /boot, or with the modules. */
function configBeside(image: string, release: string, modules: string | null): string | null {
  const places = [
    path.join(path.dirname(image), `config-${release}`),
    ...(modules === null
      ? []
      : [path.join(modules, "config"), path.join(modules, "lib/modules", release, "config")]),
  ];
  return places.find((place) => existsSync(place)) ?? null;
}

async function describeTree(tree: string): Promise<string> {
  try {
    const args = ["-C", tree, "describe", "--always", "--dirty", "--abbrev=12"];
    const result = await runTool("git", args, { timeoutMs: 60_000 });
    const said = printable(result.stdout.trim());
    if (result.exitCode === 0 && said !== "") return said;
  } catch {
    // no git, or not its tree: the release has to do
  }
  return "not under git";
}
