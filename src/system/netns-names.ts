import { closeSync, linkSync, mkdirSync, openSync, symlinkSync, unlinkSync } from "node:fs";
import { lock, SystemCallError } from "./libc.ts";
import { detachMount, MS_BIND, MS_REC, MS_SHARED, mount } from "./mount.ts";
import type { NetworkNamespace } from "./netns.ts";

/**
 * Names namespaces as `ip netns add` does: each is mounted on an empty file, in a folder whose mounts
 * reach all mount namespaces.
 */
export function mountNames(folder: string, namespaces: readonly NetworkNamespace[]): void {
  const paths = namespaces.map(({ name }) => `${folder}/${name}`);
  const [first, ...others] = paths;
  if (first === undefined) return;
  share(folder);
  closeSync(openSync(first, "wx", 0));
  // A mount covers a name and not a file. One more name costs a disk much less than one more file,
  // and /run is not in memory everywhere.
  for (const path of others) linkSync(first, path);
  namespaces.forEach(({ fd, name }) => {
    mount(`/proc/self/fd/${fd}`, `${folder}/${name}`, MS_BIND);
  });
}

/** Takes a name away, or the empty file that was to become one. */
export function unmountName(folder: string, name: string): void {
  const path = `${folder}/${name}`;
  try {
    detachMount(path);
  } catch (error) {
    // Nothing is mounted there.
    if (!(error instanceof SystemCallError) || error.code !== "EINVAL") throw error;
  }
  unlinkSync(path);
}

/**
 * Names namespaces for as long as this process holds them: tools that open the name come through our
 * descriptor. For a folder in another mount namespace, where we can make no mounts.
 */
export function linkNames(folder: string, namespaces: readonly NetworkNamespace[]): void {
  for (const { fd, name } of namespaces) {
    symlinkSync(`/proc/${process.pid}/fd/${fd}`, `${folder}/${name}`);
  }
}

/** The first namespace of a boot finds no folder, or one that is no mount yet. */
function share(folder: string): void {
  if (tryShare(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  // ip(8) takes the same lock, lest two mounts come to lie one over the other.
  const fd = openSync(folder, "r");
  try {
    lock(fd);
    if (tryShare(folder)) return;
    mount(folder, folder, MS_BIND | MS_REC);
    mount("", folder, MS_SHARED | MS_REC);
  } finally {
    closeSync(fd);
  }
}

function tryShare(folder: string): boolean {
  try {
    mount("", folder, MS_SHARED | MS_REC);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && ["ENOENT", "EINVAL"].includes(error.code)) return false;
    throw error;
  }
}
