export interface LinkLine {
  ifindex: number;
  name: string;
  /** What the name is joined with: `veth1` in the same namespace, `if875` in another. */
  peer: string | null;
  /** The peer's namespace, which `ip -j` does not name. */
  peerNamespace: string | null;
}

/** Reads one line of `ip -o link`; null when it is none. */
export function parseLinkLine(line: string): LinkLine | null {
  const match = /^(\d+): ([^\s@]+)(?:@(\S+))?: </.exec(line);
  if (match === null) return null;
  const [, ifindex = "", name = "", peer] = match;
  return {
    ifindex: Number(ifindex),
    name,
    peer: peer ?? null,
    peerNamespace: / link-netns (\S+)/.exec(line)?.[1] ?? null,
  };
}
