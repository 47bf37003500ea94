import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PrerequisiteError } from "../system/errors.ts";
import { cpio, type Entry, entriesUnder } from "./cpio.ts";

/** Where bridgescope lies in a guest. */
export const APP = "/opt/bridgescope";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

let packed: Promise<Buffer> | undefined;

/** This very bridgescope as an archive: made once a process, so that all guests of a run get the same. */
export function packApp(): Promise<Buffer> {
  packed ??= cpio(appEntries(ROOT));
  return packed;
}

async function* appEntries(root: string): AsyncGenerator<Entry> {
  if (!existsSync(path.join(root, "dist", "cli", "main.js"))) {
    throw new PrerequisiteError(
      "bridgescope runs in the guest from its build, and there is no dist/cli/main.js: npm run build",
    );
  }
  const app = APP.slice(1);
  yield* folders(`${app}/dist`);
  const manifest = await readFile(path.join(root, "package.json"));
  yield { path: `${app}/package.json`, kind: "file", data: manifest };
  yield* usefulUnder(path.join(root, "dist"), `${app}/dist`);
  for (const [host, target] of await productionPackages(root)) {
    yield* folders(target);
    yield* usefulUnder(host, target);
  }
}

function usefulUnder(host: string, target: string): AsyncGenerator<Entry> {
  return entriesUnder(host, (relative) => (isUseful(relative) ? `${target}/${relative}` : null));
}

/** Not what only compilers and people read, and not a package's own packages: those are found by need. */
function isUseful(relative: string): boolean {
  return (
    !/(?:\.d\.[cm]?ts|\.[cm]?ts|\.map|\.md|\.markdown|\.cc|\.hh|\.[chS]|\.asm|\.inc)$/.test(
      relative,
    ) && !/(?:^|\/)(?:node_modules|test|tests|\.github)$/.test(relative)
  );
}

/** Folders of all packages that run time needs, each with its place in the guest. */
async function productionPackages(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const open = [root];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    const manifest = JSON.parse(await readFile(path.join(from, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    };
    const optional = Object.keys(manifest.optionalDependencies ?? {});
    for (const name of [...Object.keys(manifest.dependencies ?? {}), ...optional]) {
      const folder = resolvePackage(from, name);
      if (folder === null) {
        // Of the packages for each platform only this platform's is there.
        if (optional.includes(name)) continue;
        throw new PrerequisiteError(`the package ${name} is not installed: npm ci`);
      }
      if (found.has(folder)) continue;
      found.set(folder, placeOf(root, folder));
      open.push(folder);
    }
  }
  return found;
}

function resolvePackage(from: string, name: string): string | null {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, "node_modules", name);
    if (existsSync(path.join(candidate, "package.json"))) return candidate;
    if (folder === path.dirname(folder)) return null;
  }
}

/** Where bridgescope is itself in a node_modules its dependencies lie beside it; in the guest one level up. */
function placeOf(root: string, folder: string): string {
  const relative = path.relative(root, folder);
  if (!relative.startsWith("..")) return `${APP.slice(1)}/${relative}`;
  const below = folder.slice(folder.indexOf("/node_modules/") + "/node_modules/".length);
  return `${path.dirname(APP).slice(1)}/node_modules/${below}`;
}

/** The folder and all above it; the kernel makes none by itself. */
export function folders(target: string): Entry[] {
  const parts = target.split("/");
  return parts.map((_, index) => ({
    path: parts.slice(0, index + 1).join("/"),
    kind: "folder" as const,
  }));
}
