import { closeSync, fstatSync, openSync, writeFileSync } from "node:fs";
import { CLONE_NEWNET, setns, unshare } from "./libc.ts";

/** A network namespace held open: it lives at least as long as this descriptor. */
export interface NetworkNamespace {
  readonly name: string;
  readonly fd: number;
  /** The number that the kernel knows it by (`ns.inum`), unique among the living. */
  readonly inode: number;
}

export function openNamespace(folder: string, name: string): NetworkNamespace {
  return openPath(name, `${folder}/${name}`);
}

/** Makes a namespace that nobody else can see yet; it goes with its descriptor. */
export function newNamespace(name: string): NetworkNamespace {
  return comingHome(() => {
    unshare(CLONE_NEWNET);
    return openPath(name, THIS);
  });
}

export function closeNamespace(namespace: NetworkNamespace): void {
  closeSync(namespace.fd);
}

/**
 * Runs `action` with the calling thread inside the namespace. Strictly synchronous: what is opened
 * there (a socket, a file under /proc/sys/net) stays bound to the namespace after the return.
 */
export function inNamespace<T>(namespace: NetworkNamespace, action: () => T): T {
  // Whoever is there already needs no right to enter.
  if (whereabouts().inode === namespace.inode) return action();
  return comingHome(() => {
    setns(namespace.fd, CLONE_NEWNET);
    here = namespace;
    return action();
  });
}

/** Writes a network sysctl of the namespace; `key` as sysctl(8) spells it with dots. */
export function writeSysctl(namespace: NetworkNamespace, key: string, value: string): void {
  inNamespace(namespace, () => writeFileSync(`/proc/sys/${key.replaceAll(".", "/")}`, value));
}

/** The namespaces of one folder, each opened once and held until `close`. */
export class OpenNamespaces {
  readonly #folder: string;
  readonly #open = new Map<string, NetworkNamespace>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(namespace: NetworkNamespace): void {
    this.#open.set(namespace.name, namespace);
  }

  get(name: string): NetworkNamespace {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const namespace = openNamespace(this.#folder, name);
    this.add(namespace);
    return namespace;
  }

  close(): void {
    for (const namespace of this.#open.values()) closeNamespace(namespace);
    this.#open.clear();
  }
}

const THIS = "/proc/thread-self/ns/net";

/** Opens whatever the path leads to; that it is a network namespace shows when it is entered. */
export function openPath(name: string, path: string): NetworkNamespace {
  const fd = openSync(path, "r");
  return { name, fd, inode: fstatSync(fd).ino };
}

/** Where this thread is; opened once, for a lab of a thousand goes in and out thousands of times. */
let here: NetworkNamespace | null = null;

function whereabouts(): NetworkNamespace {
  here ??= openPath("here", THIS);
  return here;
}

function comingHome<T>(action: () => T): T {
  const home = whereabouts();
  try {
    return action();
  } finally {
    setns(home.fd, CLONE_NEWNET);
    here = home;
  }
}
