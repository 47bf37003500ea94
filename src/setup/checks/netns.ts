import type { Check } from "../../document/run.ts";
import type { Site } from "../../system/site.ts";
import { netnsEnd } from "./netns-end.ts";
import { netnsNew } from "./netns-new.ts";
import { netnsOwn } from "./netns-own.ts";
import { type ClimbOptions, climb } from "./step.ts";

/**
 * The first rung: what a network namespace is. Takes the walk's steps itself, with the names
 * `test`, `A` and `B`, so the site must be a private one; nothing of them is left.
 */
export async function checkNetns(site: Site, options: ClimbOptions = {}): Promise<Check[]> {
  requirePrivate(site);
  const end = netnsEnd(site);
  try {
    return await climb([...netnsNew(site), ...netnsOwn(site), ...end.steps], options);
  } finally {
    end.release();
    await removeNamespaces(site, ["test", "A", "B"]);
  }
}

/** The rungs use the walk's short names: on the host they could be somebody's. */
export function requirePrivate(site: Site): void {
  if (site.kind !== "private") throw new Error("the ladder is climbed in a private site");
}

/** Removes those that are there; the site's end takes care of what this cannot. */
export async function removeNamespaces(site: Site, names: readonly string[]): Promise<void> {
  for (const name of names) await site.run("ip", ["netns", "del", name]).catch(() => {});
}
