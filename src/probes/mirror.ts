import { parseToolJson, run, runOk } from "../system/command.ts";
import { ToolError } from "../system/errors.ts";
import { macInteger } from "../system/mac.ts";
import { printable } from "../system/printable.ts";
import { mapIds } from "./statistics.ts";

/** An FDB entry as the probe program's @fdb holds it. */
export interface MirrorEntry {
  address: string;
  vlan: number;
  /** Ifindex of the port behind which the address lies, or `local` for the bridge's own. */
  port: number | "local";
}

/** @fdb's value for an address of the bridge's own. */
const LOCAL = 0x100000000n;

const ATTEMPTS = 10;

/**
 * Fills the program's mirror of the FDB from outside. Entries that the program has seen itself in
 * the meantime are newer, so they are left alone.
 */
export async function seedMirror(pid: number, entries: readonly MirrorEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const id = await findMap(pid, "fdb");
  const wanted = new Map(
    entries.map(({ address, vlan, port }) => [
      bytes((BigInt(vlan) << 48n) | macInteger(address)),
      bytes(port === "local" ? LOCAL : BigInt(port)),
    ]),
  );
  for (let attempt = 1; ; attempt++) {
    const held = await keysOf(id);
    const lines = [...wanted]
      .filter(([key]) => !held.has(key))
      .map(([key, value]) => `map update id ${id} key hex ${key} value hex ${value} noexist`);
    if (lines.length === 0) return;
    const batch = { input: `${lines.join("\n")}\n`, timeoutMs: 60_000 };
    const { exitCode, stderr } = await run("bpftool", ["batch", "file", "-"], batch);
    if (exitCode === 0) return;
    // A batch ends at the first entry that the program was quicker with.
    if (attempt === ATTEMPTS || !stderr.includes("File exists")) {
      throw new ToolError(
        "bpftool",
        `bpftool could not fill the FDB mirror: ${printable(stderr.trim())}`,
      );
    }
  }
}

async function keysOf(id: number): Promise<Set<string>> {
  const text = await runOk("bpftool", ["-j", "map", "dump", "id", String(id)]);
  const rows = parseToolJson("bpftool", text);
  if (!Array.isArray(rows)) return new Set();
  return new Set(
    rows.map(({ key }) => key.map((byte: string) => byte.slice(2).padStart(2, "0")).join(" ")),
  );
}

function bytes(value: bigint): string {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer.toString("hex").replace(/../g, "$& ").trim();
}

/** bpftrace calls the kernel map of `@x` either `AT_x` or `@x`'s sanitized form, by version. */
async function findMap(pid: number, name: string): Promise<number> {
  const ids = new Set(mapIds(pid));
  const maps = parseToolJson("bpftool", await runOk("bpftool", ["-j", "map", "show"]));
  if (Array.isArray(maps)) {
    for (const map of maps) {
      if (ids.has(Number(map.id)) && String(map.name ?? "").endsWith(`_${name}`))
        return Number(map.id);
    }
  }
  throw new ToolError("bpftool", `bpftool shows no map @${name} of the probe program`);
}
