import path from "node:path";
import { withLock } from "./cache.ts";
import { writeCpio } from "./cpio.ts";
import { ensureMade, type Product } from "./from-packages.ts";
import { digest } from "./manifest.ts";
import type { EnsureOptions } from "./options.ts";
import { LEFT_OUT, PACKAGES, userlandEntries } from "./userland-files.ts";

/** What all guests run on: one set of tools for every kernel, so that a comparison is about kernels. */
export interface Userland {
  cpio: string;
  sha256: string;
  suite: string;
}

/** Its Node is our floor, and its bpftrace is the oldest that knows fentry and all we write. */
const SUITE = "trixie";

const ARCHIVE = "userland.cpio";

const USERLAND: Product = {
  kind: "userland",
  spec: "userland",
  name: `userland-${SUITE}`,
  suite: SUITE,
  packages: PACKAGES,
  takes: () => true,
  recipe: digest({ version: 1, PACKAGES, LEFT_OUT: LEFT_OUT.source }).slice(0, 12),
  roomMb: 1300,
  make: async ({ packages, tree, made, signal }) => {
    await writeCpio(path.join(made, ARCHIVE), userlandEntries(tree), signal);
    const { version } = packages.find(({ name }) => name === "bpftrace") ?? {};
    return { release: SUITE, source: `bpftrace=${version ?? "unknown"}` };
  },
};

/** The userland, out of the cache or made now from the archive's packages. */
export async function ensureUserland(options: EnsureOptions = {}): Promise<Userland> {
  const waiting = () =>
    options.progress?.("waiting for another bridgescope that makes the userland");
  const { manifest, folder } = await withLock("userland", { signal: options.signal, waiting }, () =>
    ensureMade(USERLAND, options),
  );
  return {
    cpio: path.join(folder, ARCHIVE),
    sha256: manifest.files[ARCHIVE]?.sha256 ?? "",
    suite: manifest.release,
  };
}
