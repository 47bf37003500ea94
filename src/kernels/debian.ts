import { copyFile, mkdir, readdir, rename } from "node:fs/promises";
import path from "node:path";
import { ToolError } from "../system/errors.ts";
import { type Apt, openApt, type Package } from "./apt.ts";
import { readRelease } from "./bzimage.ts";
import { discard, publish, requireRoom, withTemporary } from "./cache.ts";
import { CONFIG, MODULES, VMLINUZ } from "./files.ts";
import { type Cached, digest, pickWhole, readShelf, writeManifest } from "./manifest.ts";
import { findMirror } from "./mirror.ts";
import { modulesIn, packModules, WANTED_MODULES } from "./modules.ts";
import type { EnsureOptions } from "./options.ts";
import type { KernelSpec } from "./spec.ts";
import { unpack } from "./unpack.ts";

const META = "linux-image-cloud-amd64";
const ROOM_MB = 500;

/** Changes when what is made of the same packages changes. */
const RECIPE = digest({ version: 1, modules: WANTED_MODULES }).slice(0, 12);

/** A suite's cloud kernel: out of the cache, or from the archive's packages. */
export async function ensureDebianImage(
  spec: KernelSpec & { kind: "debian" },
  options: EnsureOptions,
): Promise<Cached> {
  const ours = (await readShelf("images")).filter(({ manifest }) => manifest.spec === spec.text);
  const ready = await pickWhole(ours, ({ manifest }) => manifest.recipe === RECIPE);
  if (ready !== null && !options.refresh) return ready;
  const mirror = await findMirror(options.mirror, options.signal);
  await requireRoom(ROOM_MB, `making ${spec.text}`);
  await withTemporary(async (work) => {
    options.progress?.("asking the mirror which kernel is current");
    const apt = await openApt(work, spec.suite, mirror, options.signal);
    const packages = kernelPackages(await apt.resolve([META]));
    const id = `debian-${spec.suite}-${digest([RECIPE, packages]).slice(0, 12)}`;
    if (ready?.id === id) return;
    await make(spec, packages, apt, work, id, options);
  });
  const cached = await pickWhole(await readShelf("images"), fits(spec.text));
  if (cached === null) throw new Error(`${spec.text} was made and is not in the cache`);
  for (const old of ours) if (old.id !== cached.id) await discard("images", old.id);
  return cached;
}

function fits(spec: string): (cached: Cached) => boolean {
  return ({ manifest }) => manifest.spec === spec && manifest.recipe === RECIPE;
}

/** The image alone, or from 7.x on the packages it is split into; not what would build an initramfs. */
function kernelPackages(closure: readonly Package[]): Package[] {
  return closure.filter(({ name }) => /^linux-(image|base|binary|modules)-\d/.test(name));
}

async function make(
  spec: KernelSpec & { kind: "debian" },
  packages: readonly Package[],
  apt: Apt,
  work: string,
  id: string,
  options: EnsureOptions,
): Promise<void> {
  const image = packages.find(({ name }) => name.startsWith("linux-image-"));
  if (image === undefined) {
    throw new ToolError("apt-get", `${META} of ${spec.text} does not lead to a kernel's package`);
  }
  const megabytes = Math.ceil(packages.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6);
  options.progress?.(`fetching ${image.name} (${megabytes} MB)`);
  const debs = await apt.fetch(packages);
  options.progress?.(`unpacking ${image.name}`);
  const tree = path.join(work, "tree");
  await unpack(debs, tree, options.signal);
  const { vmlinuz, config, modules } = await findKernel(tree, image.name);
  const release = await readRelease(vmlinuz);
  const made = path.join(work, "made");
  await mkdir(made);
  await rename(vmlinuz, path.join(made, VMLINUZ));
  await copyFile(config, path.join(made, CONFIG));
  const source = await modulesIn(modules);
  await packModules(source, release, work, path.join(made, MODULES), options.signal);
  const about = {
    kind: "image" as const,
    spec: spec.text,
    name: `debian-${spec.suite}`,
    release,
    source: `${image.name}=${image.version}`,
    recipe: RECIPE,
    packages: Object.fromEntries(
      packages.map(({ name, version, checksum }) => [name, { version, checksum }]),
    ),
  };
  await writeManifest(made, about, [VMLINUZ, CONFIG, MODULES]);
  options.signal?.throwIfAborted();
  // What stood under this name was not whole, or it would have been taken.
  if (!(await publish(made, "images", id))) {
    await discard("images", id);
    await publish(made, "images", id);
  }
}

/** vmlinuz and config lie in /boot, or with the modules where a suite has split its packages. */
async function findKernel(
  tree: string,
  name: string,
): Promise<{ vmlinuz: string; config: string; modules: string }> {
  let vmlinuz: string | undefined;
  let config: string | undefined;
  let modules: string | undefined;
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const full = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && /^vmlinuz/.test(entry.name)) vmlinuz = full;
    if (entry.isFile() && /^config(-\d|$)/.test(entry.name)) config = full;
    if (
      entry.isDirectory() &&
      entry.name === "kernel" &&
      /\/lib\/modules\/[^/]+$/.test(entry.parentPath)
    ) {
      modules = entry.parentPath;
    }
  }
  if (vmlinuz === undefined || config === undefined || modules === undefined) {
    throw new ToolError(
      "dpkg-deb",
      `${name} does not hold vmlinuz, config and modules where they are expected`,
    );
  }
  return { vmlinuz, config, modules };
}
