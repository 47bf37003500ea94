import { z } from "zod";
import { parseToolJson } from "../system/command.ts";
import type { BuiltLab } from "./lab.ts";
import { FILL_NAMES, type FillName } from "./options.ts";
import { FILL_TABLE, portName, SWITCH } from "./plan.ts";
import { fdbRow, readRows, vlanRow } from "./rows.ts";

/** How many of each thing that the lab was to be filled with are there, as the tools count them. */
export async function readFill(lab: BuiltLab): Promise<Partial<Record<FillName, number>>> {
  const asked = FILL_NAMES.filter((name) => lab.spec.bridge?.fill[name] !== undefined);
  const counts = await Promise.all(asked.map(async (name) => [name, await COUNT[name](lab)]));
  return Object.fromEntries(counts);
}

const COUNT: Record<FillName, (lab: BuiltLab) => Promise<number>> = {
  fdb_entries: async (lab) => {
    const words = ["-j", "fdb", "show", "br", lab.bridge?.name ?? ""];
    const rows = await readRows(lab.site, inside(lab), "bridge", words, fdbRow);
    const named = lab.spec.bridge?.fdb.length ?? 0;
    return rows.filter((row) => row.state === "static").length - named;
  },
  nft_rules: async (lab) => {
    const words = ["-j", "list", "table", "bridge", FILL_TABLE];
    const text = await lab.site.runOk("nft", words, { namespace: inside(lab) });
    const { nftables } = parseToolJson("nft", text, nftList);
    return nftables.filter(({ rule }) => rule !== undefined).length;
  },
  vlans: async (lab) => {
    const words = ["-j", "vlan", "show", "dev", portName(0)];
    const [row] = await readRows(lab.site, inside(lab), "bridge", words, vlanRow);
    // The port is a member of VLAN 1 by itself.
    return row === undefined ? 0 : row.vlans.length - 1;
  },
};

/** `nft -j list`: one object for each thing within. */
const nftList = z.object({ nftables: z.array(z.looseObject({ rule: z.unknown().optional() })) });

const inside = (lab: BuiltLab) => lab.names.namespace(SWITCH);
