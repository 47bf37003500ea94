import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

// An ordinary user's PATH often lacks the sbin folders; the tools are there all the same.
const ALSO = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/** The path of an executable, or null. */
export function findCommand(name) {
  for (const folder of [...(process.env.PATH ?? "").split(path.delimiter), ...ALSO]) {
    if (folder === "") continue;
    const candidate = path.join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // not here
    }
  }
  return null;
}
