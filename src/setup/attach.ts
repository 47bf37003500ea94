import { findNamespace } from "../bridge/find-namespace.ts";
import { UsageError } from "../system/errors.ts";
import { closeNamespace, type NetworkNamespace, OpenNamespaces } from "../system/netns.ts";
import { openPrivateSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { attachSpec } from "./foreign.ts";
import { foreignLab } from "./foreign-lab.ts";
import { bridgeNamespace } from "./kept.ts";
import type { BuiltLab } from "./lab.ts";
import type { AttachSpec } from "./spec.ts";

/**
 * A lab of two namespaces that exist already, once the first has reached the second. It opens sockets there and
 * changes nothing.
 */
export async function attachNamespaces(
  names: AttachSpec["ends"],
  signal?: AbortSignal,
): Promise<BuiltLab> {
  const ends = await openEnds(names, signal);
  const open = new OpenNamespaces("");
  for (const end of ends) open.add(end);
  const site = await openPrivateSite().catch((error: unknown) => {
    open.close();
    throw error;
  });
  const close = async () => {
    open.close();
    await site.close();
  };
  try {
    site.nameNamespaces(ends);
    return await foreignLab({
      spec: attachSpec(names),
      site,
      ends,
      called: [`h1 (${printable(names[0])})`, `h2 (${printable(names[1])})`],
      setupNs: 0,
      signal,
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Throws a UsageError unless both exist and are two. */
export async function checkEnds(names: AttachSpec["ends"], signal?: AbortSignal): Promise<void> {
  for (const end of await openEnds(names, signal)) closeNamespace(end);
}

async function openEnds(
  [a, b]: AttachSpec["ends"],
  signal?: AbortSignal,
): Promise<[NetworkNamespace, NetworkNamespace]> {
  const search = { signal, labs: async (name: string) => bridgeNamespace(name) };
  const first = await findNamespace(a, "h1", search);
  try {
    const second = await findNamespace(b, "h2", search);
    if (first.inode !== second.inode) return [first, second];
    closeNamespace(second);
    throw new UsageError(
      `attach expects two namespaces, and ${printable(a)} and ${printable(b)} are the same one (net:[${first.inode}])`,
    );
  } catch (error) {
    closeNamespace(first);
    throw error;
  }
}
