import { parseToolJson } from "../system/command.ts";
import type { BuiltLab } from "./lab.ts";
import { FILL_NAMES, type FillName } from "./options.ts";
import { portName, SWITCH } from "./plan.ts";
import { FILL_TABLE } from "./plan-fill.ts";

/** How many of each thing that the lab was to be filled with are there, as the tools count them. */
export async function readFill(lab: BuiltLab): Promise<Partial<Record<FillName, number>>> {
  const asked = FILL_NAMES.filter((name) => lab.spec.bridge?.fill[name] !== undefined);
  const counts = await Promise.all(asked.map(async (name) => [name, await COUNT[name](lab)]));
  return Object.fromEntries(counts);
}

const COUNT: Record<FillName, (lab: BuiltLab) => Promise<number>> = {
  fdb_entries: async (lab) => {
    const rows = await read(lab, "bridge", ["-j", "fdb", "show", "br", lab.bridge?.name ?? ""]);
    const named = lab.spec.bridge?.fdb.length ?? 0;
    return rows.filter((row) => field(row, "state") === "static").length - named;
  },
  nft_rules: async (lab) => {
    const words = ["-j", "list", "table", "bridge", FILL_TABLE];
    return (await read(lab, "nft", words)).filter((row) => field(row, "rule") !== undefined).length;
  },
  vlans: async (lab) => {
    const port = portName(0);
    const [row] = await read(lab, "bridge", ["-j", "vlan", "show", "dev", port]);
    const vlans = field(row, "vlans");
    // The port is a member of VLAN 1 by itself.
    return Array.isArray(vlans) ? vlans.length - 1 : 0;
  },
};

/** The rows that a tool prints: a list, or nft's one list within an object. */
async function read(lab: BuiltLab, tool: string, words: string[]): Promise<unknown[]> {
  const namespace = lab.names.namespace(SWITCH);
  const value = parseToolJson(tool, await lab.site.runOk(tool, words, { namespace }));
  const rows = Array.isArray(value) ? value : field(value, "nftables");
  return Array.isArray(rows) ? rows : [];
}

function field(row: unknown, name: string): unknown {
  return typeof row === "object" && row !== null ? Reflect.get(row, name) : undefined;
}
