import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../../src/kernels/index.ts";
import type { Running } from "../bench/cli.ts";

/** Names of all files below a cache's folder, locks aside. */
export function cacheFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.endsWith("/locks"));
  return files.map(({ name }) => name);
}

/** What a command makes, or has unpacked for its guests: its process's id is where the name begins. */
export function halfMadeBy({ process: { pid } }: Running): string[] {
  const folder = join(cacheFolder(), "tmp");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.startsWith(`${pid}.`));
}
