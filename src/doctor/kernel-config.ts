import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { printable } from "../text/printable.ts";

export interface KernelConfig {
  /** The file it was read from. */
  source: string;
  /** Option to value; an option that is off is absent. */
  options: ReadonlyMap<string, string>;
}

/** `CONFIG_X=y`, `=m` and values with their quotes taken off; `# CONFIG_X is not set` leaves X out. */
export function parseKernelConfig(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)) {
    if (name === undefined || value === undefined) continue;
    options.set(name, printable(value.replace(/^"(.*)"$/, "$1")));
  }
  return options;
}

/** The running kernel's configuration, or null where no file that tells it can be read. */
export async function readKernelConfig(release: string): Promise<KernelConfig | null> {
  const sources = ["/proc/config.gz", `/boot/config-${release}`, `/lib/modules/${release}/config`];
  for (const source of sources) {
    try {
      const bytes = await readFile(source);
      const text = source.endsWith(".gz") ? await promisify(gunzip)(bytes) : bytes;
      return { source, options: parseKernelConfig(text.toString("utf8")) };
    } catch {
      // the next one
    }
  }
  return null;
}
