import { PrerequisiteError } from "../../system/errors.ts";
import type { Site } from "../../system/site.ts";

/** nftables shows what iptables-nft made too; rules of the old ip_tables show in iptables-save only. */
const READERS: { tool: string; args: string[]; isRule(line: string): boolean }[] = [
  { tool: "nft", args: ["list", "ruleset"], isRule: (line) => line !== "" },
  { tool: "iptables-save", args: [], isRule: (line) => line.startsWith("-A") },
  { tool: "ip6tables-save", args: [], isRule: (line) => line.startsWith("-A") },
];

/** The lines of the namespace's firewall, by every tool that is there; empty when it has none. */
export async function readFirewall(site: Site, namespace: string): Promise<string[]> {
  const rules: string[] = [];
  let failure: unknown;
  let answers = 0;
  for (const reader of READERS) {
    try {
      const text = await site.runOk(reader.tool, reader.args, { namespace });
      rules.push(
        ...text
          .split("\n")
          .map((line) => line.trim())
          .filter(reader.isRule),
      );
      answers++;
    } catch (error) {
      failure ??= error;
    }
  }
  if (answers === 0) throw failure;
  return rules;
}

/** Adds a rule that no frame ever meets: it is in no hook, or asks for a port nobody uses. */
export async function addRule(site: Site, namespace: string): Promise<void> {
  try {
    await site.runOk(
      "nft",
      ["add table inet own; add chain inet own idle; add rule inet own idle drop"],
      { namespace },
    );
  } catch (error) {
    if (!(error instanceof PrerequisiteError)) throw error;
    await site.runOk("iptables", ["-A", "INPUT", "-p", "udp", "--dport", "9", "-j", "DROP"], {
      namespace,
    });
  }
}

export function describeRules(rules: readonly string[]): string {
  return rules.length === 0 ? "no rules" : `"${rules.slice(0, 4).join(" ")}"`;
}
