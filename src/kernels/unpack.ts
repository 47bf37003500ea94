import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { ToolError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { runTool } from "./tool.ts";

/** Unpacks packages into a folder, without any of their scripts. */
export async function unpack(
  debs: readonly string[],
  tree: string,
  signal?: AbortSignal,
  progress?: (done: number) => void,
): Promise<void> {
  await mkdir(tree, { recursive: true });
  for (const [index, deb] of debs.entries()) {
    progress?.(index);
    const result = await runTool("dpkg-deb", ["--extract", await complete(deb), tree], {
      signal,
      timeoutMs: 300_000,
    });
    if (result.exitCode !== 0) {
      const said = printable(result.stderr.trim().split("\n")[0] ?? "");
      throw new ToolError("dpkg-deb", `${path.basename(deb)} could not be unpacked: ${said}`);
    }
  }
}

/** apt ends a file's name with the architecture, which may be `all` too. */
async function complete(prefix: string): Promise<string> {
  const folder = path.dirname(prefix);
  const name = (await readdir(folder)).find((file) => file.startsWith(path.basename(prefix)));
  if (name === undefined) {
    throw new ToolError("apt-get", `apt-get did not leave ${path.basename(prefix)}*.deb`);
  }
  return path.join(folder, name);
}
