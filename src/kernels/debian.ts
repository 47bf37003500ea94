import { rename } from "node:fs/promises";
import path from "node:path";
import { glob } from "tinyglobby";
import { ToolError } from "../system/errors.ts";
import { readRelease } from "./bzimage.ts";
import { CONFIG, MODULES, VMLINUZ } from "./files.ts";
import { ensureMade } from "./from-packages.ts";
import { type Cached, digest } from "./manifest.ts";
import { modulesIn, packModules, WANTED_MODULES } from "./modules.ts";
import type { EnsureOptions } from "./options.ts";
import type { KernelSpec } from "./spec.ts";

const META = "linux-image-cloud-amd64";

const RECIPE = digest({ version: 1, modules: WANTED_MODULES }).slice(0, 12);

/** A suite's cloud kernel: out of the cache, or from the archive's packages. */
export function ensureDebianImage(
  { suite, text }: KernelSpec & { kind: "debian" },
  options: EnsureOptions,
): Promise<Cached> {
  return ensureMade(
    {
      kind: "image",
      spec: text,
      name: `debian-${suite}`,
      suite,
      packages: [META],
      // The image alone, or from 7.x on the packages it is split into; not what would build an initramfs.
      takes: (name) => /^linux-(image|base|binary|modules)-\d/.test(name),
      recipe: RECIPE,
      roomMb: 500,
      make: async ({ packages, tree, work, made, signal }) => {
        const image = packages.find(({ name }) => name.startsWith("linux-image-"));
        if (image === undefined) {
          throw new ToolError("apt-get", `${META} of ${text} does not lead to a kernel's package`);
        }
        const { vmlinuz, config, modules } = await findKernel(tree, image.name);
        const release = await readRelease(vmlinuz);
        await rename(vmlinuz, path.join(made, VMLINUZ));
        await rename(config, path.join(made, CONFIG));
        const source = await modulesIn(modules);
        await packModules(source, release, work, path.join(made, MODULES), signal);
        return { release, source: `${image.name}=${image.version}` };
      },
    },
    options,
  );
}

/** vmlinuz and config lie in /boot, or with the modules where a suite has split its packages. */
async function findKernel(tree: string, name: string) {
  const find = async (...patterns: string[]) => {
    const how = { cwd: tree, absolute: true, onlyFiles: false, expandDirectories: false };
    const [found] = await glob(patterns, how);
    if (found !== undefined) return found;
    throw new ToolError("dpkg-deb", `${name} does not hold ${patterns.join(" or ")}`);
  };
  const modules = "{usr/,}lib/modules/*";
  return {
    vmlinuz: await find("boot/vmlinuz-*", `${modules}/vmlinuz`),
    config: await find("boot/config-*", `${modules}/config`),
    modules: path.dirname(await find(`${modules}/kernel`)),
  };
}
