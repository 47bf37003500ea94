import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { runStep } from "./child.mjs";
import { Failure } from "./failure.mjs";

/** The path of a Node of this major, fetched once as an npm package and then kept in the user's cache. */
export async function fetchNode(major) {
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  const folder = path.join(cache, "bridgescope", `node${major}`);
  const name = `node-linux-${process.arch}`;
  const binary = path.join(folder, "node_modules", name, "bin", "node");
  if (isNode(binary, major)) return binary;
  mkdirSync(folder, { recursive: true });
  // Keeps npm from looking for a project further up.
  writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
  await runStep(
    `fetching Node ${major}`,
    "npm",
    ["install", "--prefix", folder, "--no-fund", "--no-audit", `${name}@${major}`],
    { cwd: folder },
  );
  if (isNode(binary, major)) return binary;
  throw new Failure(`${name}@${major} brought no Node ${major} that runs here`);
}

function isNode(binary, major) {
  const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return stdout?.startsWith(`v${major}.`) ?? false;
}
