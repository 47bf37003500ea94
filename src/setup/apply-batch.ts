import { PrerequisiteError, ToolError } from "../system/errors.ts";
import type { Site } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { BRIDGE_OPTIONS } from "./options.ts";
import type { Operation } from "./plan.ts";

export type BatchOperation = Extract<Operation, { kind: "ip" | "bridge" | "nft" }>;

/** Hands steps of one namespace to one process of the tool. */
export async function runBatch(site: Site, group: readonly BatchOperation[]): Promise<void> {
  const first = group[0];
  if (first === undefined) return;
  const result = await site.run(first.kind, first.kind === "nft" ? ["-f", "-"] : ["-batch", "-"], {
    namespace: first.namespace,
    input: `${group.map((operation) => operation.words.join(" ")).join("\n")}\n`,
  });
  if (result.exitCode === 0) return;
  const line = Number(/Command failed -:(\d+)/.exec(result.stderr)?.[1] ?? 1);
  throw refusal(group[line - 1] ?? first, result.stderr);
}

/** What a kernel lacks that refuses to be filled; null where the step is of another kind. */
function missingForFill({ kind, words }: BatchOperation): string | null {
  if (kind === "nft") return "nft_rules takes a kernel with CONFIG_NF_TABLES_BRIDGE";
  return words[0] === "vlan" ? "vlans takes a kernel with CONFIG_BRIDGE_VLAN_FILTERING" : null;
}

/** Tells a missing kernel feature (exit 4) from a failure, and names the CONFIG option. */
function refusal(operation: BatchOperation, stderr: string): Error {
  // What follows the first line of a word that ip does not know is its whole usage.
  const line =
    stderr
      .replace(/Command failed.*/s, "")
      .trim()
      .split("\n")[0] ?? "";
  const said = printable(line) || "no reason given";
  const command = `${operation.kind} ${operation.words.join(" ")}`;
  const fill = /not supported|No such file/i.test(said) ? missingForFill(operation) : null;
  if (fill !== null) return new PrerequisiteError(`${fill} (${said})`);
  const option = Object.keys(BRIDGE_OPTIONS).find((name) => operation.words.includes(name));
  if (
    option !== undefined &&
    /not supported|unknown|Invalid argument|What is|garbage/i.test(said)
  ) {
    const config = BRIDGE_OPTIONS[option]?.config;
    const needs = config === undefined ? "a newer kernel and iproute2" : `a kernel with ${config}`;
    return new PrerequisiteError(`${option} is not to be had here (${said}): it takes ${needs}`);
  }
  return new ToolError(operation.kind, `${command} failed: ${said}`);
}
