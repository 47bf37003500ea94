import { readdirSync } from "node:fs";

/** Names of all files below a cache's folder, locks aside. */
export function cacheFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.endsWith("/locks"));
  return files.map(({ name }) => name);
}
