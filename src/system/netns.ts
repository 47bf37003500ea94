import { closeSync, fstatSync, openSync, writeFileSync } from "node:fs";
import { CLONE_NEWNET, setns } from "./libc.ts";

/** A network namespace held open: it lives at least as long as this descriptor. */
export interface NetworkNamespace {
  readonly name: string;
  readonly fd: number;
  /** The number that the kernel knows it by (`ns.inum`), unique among the living. */
  readonly inode: number;
}

export function openNamespace(folder: string, name: string): NetworkNamespace {
  const fd = openSync(`${folder}/${name}`, "r");
  return { name, fd, inode: fstatSync(fd).ino };
}

export function closeNamespace(namespace: NetworkNamespace): void {
  closeSync(namespace.fd);
}

/**
 * Runs `action` with the calling thread inside the namespace. Strictly synchronous: what is opened
 * there (a socket, a file under /proc/sys/net) stays bound to the namespace after the return.
 */
export function inNamespace<T>(namespace: NetworkNamespace, action: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    setns(namespace.fd, CLONE_NEWNET);
    return action();
  } finally {
    setns(home, CLONE_NEWNET);
    closeSync(home);
  }
}

/** Writes a network sysctl of the namespace; `key` as sysctl(8) spells it with dots. */
export function writeSysctl(namespace: NetworkNamespace, key: string, value: string): void {
  inNamespace(namespace, () => writeFileSync(`/proc/sys/${key.replaceAll(".", "/")}`, value));
}
