import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { runStep } from "./child.mjs";
import { Failure } from "./failure.mjs";
import { inModules, inRoot, ROOT, TSC } from "./repository.mjs";

const DIST = inRoot("dist");
const ENTRY = inRoot("dist", "cli", "main.js");
// Beside the dependencies and not in dist: dist is what gets published.
const STAMP = inModules(".bridgescope-build");

/** Builds when dist does not belong to the sources as they are. */
export async function ensureBuilt(say = () => {}) {
  if (existsSync(ENTRY) && readStamp() === sourceHash()) return;
  say("building dist");
  await build();
}

export async function build() {
  const hash = sourceHash();
  rmSync(STAMP, { force: true });
  rmSync(DIST, { recursive: true, force: true });
  await runStep("the TypeScript build", process.execPath, [TSC, "-p", "tsconfig.build.json"], {
    cwd: ROOT,
  });
  await writeProbePrograms();
  makeExecutable(ENTRY);
  await writeManPage();
  writeFileSync(STAMP, hash);
}

/** tsc knows nothing of the .bt files, which the program reads from beside its own code; here they are whole. */
async function writeProbePrograms() {
  const include = pathToFileURL(path.join(DIST, "probes", "include.js")).href;
  const { programFiles, readProgram } = await import(include);
  const folder = inRoot("src", "probes");
  for (const file of programFiles(folder)) {
    const target = path.join(DIST, "probes", file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, readProgram(folder, file));
  }
}

async function writeManPage() {
  const cli = (name) => import(pathToFileURL(path.join(DIST, "cli", name)).href);
  const [{ program }, { manPage }] = await Promise.all([cli("program.js"), cli("man.js")]);
  mkdirSync(path.join(DIST, "man"));
  writeFileSync(path.join(DIST, "man", "bridgescope.1"), manPage(await program([])));
}

function makeExecutable(file) {
  if (!existsSync(file)) throw new Failure(`the build left no ${path.relative(ROOT, file)}`);
  if (!readFileSync(file, "utf8").startsWith("#!")) {
    throw new Failure(`${path.relative(ROOT, file)} does not begin with a #! line`);
  }
  chmodSync(file, 0o755);
}

function readStamp() {
  try {
    return readFileSync(STAMP, "utf8");
  } catch {
    return null;
  }
}

/** Over contents, not times: a checkout gives new times to old files. */
function sourceHash() {
  const inputs = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];
  const files = [...filesUnder(inRoot("src")), ...inputs.map((name) => inRoot(name))].sort();
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`${path.relative(ROOT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
