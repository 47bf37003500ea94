import path from "node:path";
import { withLock } from "./cache.ts";
import { ensureDebianImage } from "./debian.ts";
import { CONFIG, MODULES, VMLINUZ } from "./files.ts";
import type { Cached } from "./manifest.ts";
import type { EnsureOptions } from "./options.ts";
import { ensureOwnImage } from "./own.ts";
import type { KernelSpec } from "./spec.ts";

/** A kernel that is ready to be booted. */
export interface KernelImage {
  spec: string;
  /** Safe as a file's name: `debian-bookworm`, `own-6.9.0-rc1`. */
  name: string;
  /** As `uname -r` will say it. */
  release: string;
  /** Package and version, or `git describe` of the tree. */
  source: string;
  vmlinuz: string;
  /** Archive of the modules that bridgescope needs. */
  modules: string;
  config: string | null;
  sha256: string;
  configSha256: string | null;
}

/** The image of a kernel, out of the cache or made now. What a person built is read again every time. */
export async function ensureImage(
  spec: KernelSpec,
  options: EnsureOptions = {},
): Promise<KernelImage> {
  const name = spec.kind === "debian" ? `debian-${spec.suite}` : "own";
  const waiting = () =>
    options.progress?.(`waiting for another bridgescope that makes ${spec.text}`);
  return withLock(name, { signal: options.signal, waiting }, async () => {
    const cached =
      spec.kind === "debian"
        ? await ensureDebianImage(spec, options)
        : await ensureOwnImage(spec, options);
    return toImage(cached);
  });
}

function toImage({ manifest, folder }: Cached): KernelImage {
  const { spec, name, release, source, files } = manifest;
  const config = files[CONFIG];
  return {
    spec,
    name,
    release,
    source,
    vmlinuz: path.join(folder, VMLINUZ),
    modules: path.join(folder, MODULES),
    config: config === undefined ? null : path.join(folder, CONFIG),
    sha256: files[VMLINUZ]?.sha256 ?? "",
    configSha256: config?.sha256 ?? null,
  };
}
