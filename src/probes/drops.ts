import { readFileSync } from "node:fs";
import type { Drop } from "../document/run.ts";
import type { Site } from "../system/site.ts";
import type { DropTally } from "./account.ts";

const LEGS = {
  bridge: "in the bridge",
  toPort: "veth, host to port",
  fromPort: "veth, port to host",
  host: "host to bridge",
} as const;

/** Names each drop by the kernel function that freed the frame and the kernel's own reason. */
export function nameDrops(site: Site, tallies: readonly DropTally[]): Drop[] {
  if (tallies.length === 0) return [];
  const reasons = parseReasons(read(`${site.root}/sys/kernel/tracing/events/skb/kfree_skb/format`));
  const symbols = parseSymbols(read("/proc/kallsyms"));
  const drops = new Map<string, Drop>();
  for (const tally of tallies) {
    const symbol = symbolAt(symbols, tally.location);
    // A frame that went up has left the bridge; what the host's stack makes of it is not our drop.
    if (tally.leg === "host" && !/^br_|xmit/.test(symbol)) continue;
    const where = `${symbol} (${LEGS[tally.leg]})`;
    const reason = reasons.get(tally.reason) ?? `reason ${tally.reason}`;
    const known = drops.get(`${where} ${reason}`);
    if (known === undefined) drops.set(`${where} ${reason}`, { where, reason, count: tally.count });
    else known.count += tally.count;
  }
  return [...drops.values()].sort((a, b) => b.count - a.count);
}

/** `__print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, …)` of the tracepoint's format file. */
export function parseReasons(format: string): Map<number, string> {
  const symbolic = format.slice(Math.max(0, format.indexOf("REC->reason,")));
  return new Map(
    [...symbolic.matchAll(/\{\s*(\d+),\s*"([A-Z0-9_]+)"\s*\}/g)].map((match) => [
      Number(match[1]),
      match[2] ?? "",
    ]),
  );
}

interface Symbol {
  /** The low half of its address. */
  low: number;
  name: string;
}

/** Functions in the same 4 GB as the kernel's text, modules included where they lie there; ascending. */
export function parseSymbols(kallsyms: string): Symbol[] {
  const high = /^([0-9a-f]{8})[0-9a-f]{8} [tT] _stext$/m.exec(kallsyms)?.[1] ?? "ffffffff";
  const symbols: Symbol[] = [];
  for (const match of kallsyms.matchAll(/^([0-9a-f]{8})([0-9a-f]{8}) [tTwW] (\S+)/gm)) {
    if (match[1] !== high) continue;
    symbols.push({ low: Number.parseInt(match[2] ?? "0", 16), name: match[3] ?? "" });
  }
  return symbols.sort((a, b) => a.low - b.low);
}

export function symbolAt(symbols: readonly Symbol[], low: number): string {
  let from = 0;
  let to = symbols.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((symbols[middle]?.low ?? 0) <= low) from = middle + 1;
    else to = middle;
  }
  return symbols[from - 1]?.name ?? `0x${low.toString(16)}`;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
