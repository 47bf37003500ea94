/** What drops are called: the kernel's reasons, and the functions that freed the frames. */
import { readFileSync } from "node:fs";
import { parseReasons, parseSymbols, symbolAt } from "../probes/drops.ts";
import { openPrivateSite } from "../system/site.ts";

/**
 * The lower half of the place in the kernel, and its number of the reason: names for them. The reason is null where the
 * kernel tells none (before Linux 5.17).
 */
export type DropNames = (
  location: number,
  reason: number,
) => { where: string; reason: string | null };

export async function readDropNames(): Promise<DropNames> {
  const site = await openPrivateSite();
  let reasons: ReadonlyMap<number, string>;
  try {
    reasons = parseReasons(textOf(`${site.root}/sys/kernel/tracing/events/skb/kfree_skb/format`));
  } finally {
    await site.close();
  }
  // A hundred thousand lines, which most who look never need.
  let symbols: ReturnType<typeof parseSymbols> | null = null;
  return (location, reason) => {
    symbols ??= parseSymbols(textOf("/proc/kallsyms"));
    return {
      reason: reasons.get(reason) ?? (reasons.size === 0 ? null : `reason ${reason}`),
      // Parts that a compiler cut off or copied are called after their function: `.cold`, `.constprop.0`.
      where: symbolAt(symbols, location).replace(/\..*$/, ""),
    };
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
