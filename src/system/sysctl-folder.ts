import { closeSync } from "node:fs";
import { SystemCallError } from "./libc.ts";
import { openFileSystem } from "./mount.ts";

/** Namespaces that share a proc: to make one takes as long as writing a few dozen sysctls. */
const NAMESPACES = 64;

/**
 * Where a network namespace's sysctls are written when there are many namespaces. Each that has been
 * looked at stays in the cache of its proc, and to find one the kernel compares with all of them
 * (proc_sys_compare): in the host's own proc the thousandth takes ten times as long as the first.
 */
export class SysctlFolder {
  #proc: number | null = null;
  #left = 0;

  /** The folder in the place of /proc/sys, for one more namespace. */
  next(): string {
    if (this.#left-- === 0) this.#renew();
    return this.#proc === null ? "/proc/sys" : `/proc/self/fd/${this.#proc}/sys`;
  }

  close(): void {
    if (this.#proc !== null) closeSync(this.#proc);
    this.#proc = null;
    this.#left = 0;
  }

  #renew(): void {
    this.close();
    this.#left = NAMESPACES - 1;
    try {
      this.#proc = openFileSystem("proc");
    } catch (error) {
      // A container may not be allowed it, and the host's own does as well.
      if (!(error instanceof SystemCallError)) throw error;
    }
  }
}
