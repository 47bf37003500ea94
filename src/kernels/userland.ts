import { mkdir } from "node:fs/promises";
import path from "node:path";
import { openApt, type Package } from "./apt.ts";
import { discard, publish, requireRoom, withLock, withTemporary } from "./cache.ts";
import { writeCpio } from "./cpio.ts";
import { type Cached, digest, pickWhole, readShelf, writeManifest } from "./manifest.ts";
import { findMirror } from "./mirror.ts";
import type { EnsureOptions } from "./options.ts";
import { unpack } from "./unpack.ts";
import { LEFT_OUT, PACKAGES, userlandEntries } from "./userland-files.ts";

/** What all guests run on: one set of tools for every kernel, so that a comparison is about kernels. */
export interface Userland {
  cpio: string;
  sha256: string;
  suite: string;
  /** Version by package. */
  packages: Record<string, string>;
}

/** Its Node is our floor, and its bpftrace is the oldest that knows fentry and all we write. */
const USERLAND_SUITE = "trixie";

const ARCHIVE = "userland.cpio";
const ROOM_MB = 1300;

/** Changes when what is made of the same packages changes. */
const RECIPE = digest({ version: 1, PACKAGES, LEFT_OUT: LEFT_OUT.source }).slice(0, 12);

/** The userland, out of the cache or made now from the archive's packages. */
export function ensureUserland(options: EnsureOptions = {}): Promise<Userland> {
  const waiting = () =>
    options.progress?.("waiting for another bridgescope that makes the userland");
  return withLock("userland", { signal: options.signal, waiting }, async () => {
    const all = await readShelf("userlands");
    const ready = await pickWhole(all, ({ manifest }) => manifest.recipe === RECIPE);
    if (ready !== null && !options.refresh) return toUserland(ready);
    const mirror = await findMirror(options.mirror, options.signal);
    await requireRoom(ROOM_MB, "making the guests' userland");
    const id = await withTemporary((work) => make(work, mirror, ready, options));
    const made = await pickWhole(await readShelf("userlands"), (cached) => cached.id === id);
    if (made === null) throw new Error("the userland was made and is not in the cache");
    for (const old of all) if (old.id !== id) await discard("userlands", old.id);
    return toUserland(made);
  });
}

async function make(
  work: string,
  mirror: string,
  ready: Cached | null,
  options: EnsureOptions,
): Promise<string> {
  const { signal, progress } = options;
  progress?.("asking the mirror for the userland's packages");
  const apt = await openApt(work, USERLAND_SUITE, mirror, signal);
  const packages = await apt.resolve(PACKAGES);
  const id = `${USERLAND_SUITE}-${digest([RECIPE, packages]).slice(0, 12)}`;
  if (ready?.id === id) return id;
  const megabytes = Math.ceil(packages.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6);
  progress?.(`fetching ${packages.length} packages of the userland (${megabytes} MB)`);
  const debs = await apt.fetch(inOrder(packages));
  const tree = path.join(work, "tree");
  await unpack(debs, tree, signal, (done) =>
    progress?.(`unpacking the userland: ${done + 1} of ${debs.length}`),
  );
  progress?.("packing the userland");
  const made = path.join(work, "made");
  await mkdir(made);
  await writeCpio(path.join(made, ARCHIVE), userlandEntries(tree), signal);
  const about = {
    kind: "userland" as const,
    spec: "userland",
    name: `userland-${USERLAND_SUITE}`,
    release: USERLAND_SUITE,
    source: `bpftrace=${packages.find(({ name }) => name === "bpftrace")?.version ?? "unknown"}`,
    recipe: RECIPE,
    packages: Object.fromEntries(
      packages.map(({ name, version, checksum }) => [name, { version, checksum }]),
    ),
  };
  await writeManifest(made, about, [ARCHIVE]);
  signal?.throwIfAborted();
  // What stood under this name was not whole, or it would have been taken.
  if (!(await publish(made, "userlands", id))) {
    await discard("userlands", id);
    await publish(made, "userlands", id);
  }
  return id;
}

/** base-files makes /bin and its like links into /usr, and has to come first. */
function inOrder(packages: readonly Package[]): Package[] {
  const first = (name: string) => (name === "base-files" ? 0 : 1);
  return [...packages].sort((a, b) => first(a.name) - first(b.name));
}

function toUserland({ manifest, folder }: Cached): Userland {
  return {
    cpio: path.join(folder, ARCHIVE),
    sha256: manifest.files[ARCHIVE]?.sha256 ?? "",
    suite: manifest.release,
    packages: Object.fromEntries(
      Object.entries(manifest.packages).map(([name, { version }]) => [name, version]),
    ),
  };
}
