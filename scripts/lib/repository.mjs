import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

export const inRoot = (...parts) => path.join(ROOT, ...parts);

/** A file inside an installed package, for `node <file>`: works on any Node, unlike the .bin links. */
export const inModules = (...parts) => inRoot("node_modules", ...parts);

export const TSC = inModules("typescript", "bin", "tsc");
