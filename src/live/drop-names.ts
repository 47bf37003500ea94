/** What drops are called: the kernel's reasons, and the functions that freed the frames. */
import { readFileSync } from "node:fs";
import type { WatchDrop } from "../document/watch.ts";
import { parseReasons, parseSymbols, symbolAt } from "../probes/drops.ts";
import { openPrivateSite } from "../system/site.ts";

/** The lower half of the place in the kernel, and its number of the reason: names for them. */
export type DropNames = (location: number, reason: number) => Pick<WatchDrop, "reason" | "where">;

/** The kernel told no reason for what it frees here: Linux before 5.17, or nobody gave it one (SKB_DROP_REASON_NOT_SPECIFIED). */
const NO_REASON = "NOT_SPECIFIED";

export async function readDropNames(): Promise<DropNames> {
  const site = await openPrivateSite();
  let reasons: ReadonlyMap<number, string>;
  try {
    reasons = parseReasons(textOf(`${site.root}/sys/kernel/tracing/events/skb/kfree_skb/format`));
  } finally {
    await site.close();
  }
  // A hundred thousand lines, which most who watch never need.
  let symbols: ReturnType<typeof parseSymbols> | null = null;
  return (location, reason) => {
    symbols ??= parseSymbols(textOf("/proc/kallsyms"));
    return {
      reason: reasons.get(reason) ?? (reason === 0 ? NO_REASON : `reason ${reason}`),
      where: symbolAt(symbols, location),
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
