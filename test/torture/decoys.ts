import { execFileSync } from "node:child_process";
import { lstatSync } from "node:fs";

/** Things of somebody else's with names that ours could have. */
const NAMESPACES = ["bs-decoy-00000000-sw", "bs-decoy-00000000-h1", "bridgescope-decoy", "bs-"];
const LINKS = ["br0", "p1", "bs-decoy0", "veth-bs"];
/** Whose they are is for tests that run beside these to see. */
const DECOY = "somebody else's";

const ip = (...words: string[]) => execFileSync("ip", words, { encoding: "utf8" });

export interface Decoys {
  /** Each with what cannot be made again: inode or ifindex, and the whole of what `ip` says of the link. */
  state(): string;
  remove(): void;
}

/** Makes them, each only where the name is free. */
export function plantDecoys(): Decoys {
  const namespaces = NAMESPACES.filter((name) => works(() => ip("netns", "add", name)));
  const links = LINKS.filter((name) => works(() => addLink(name)));
  return {
    state: () =>
      JSON.stringify([
        namespaces.map((name) => [name, lstatSync(`/run/netns/${name}`).ino]),
        links.map((name) => JSON.parse(ip("-j", "-d", "link", "show", "dev", name))),
      ]),
    remove: () => {
      for (const name of links) ip("link", "del", name);
      for (const name of namespaces) ip("netns", "del", name);
    },
  };
}

function addLink(name: string): void {
  const peer = ["peer", "name", `decoy-${name}`];
  ip("link", "add", name, "type", ...(name === "br0" ? ["bridge"] : ["veth", ...peer]));
  ip("link", "set", name, "alias", DECOY);
}

function works(make: () => void): boolean {
  try {
    make();
    return true;
  } catch {
    return false;
  }
}
