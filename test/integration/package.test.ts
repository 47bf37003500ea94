/** What `npm pack` gives, installed where nothing of this checkout is, runs. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scratch } from "./bench/cli.ts";

const folder = scratch();
const prefix = join(folder.path, "prefix");
const command = join(prefix, "bin", "bridgescope");

beforeAll(() => {
  const words = ["pack", "--silent", "--pack-destination", folder.path];
  const name = execFileSync("npm", words, { encoding: "utf8" }).trim();
  mkdirSync(prefix);
  const file = join(folder.path, name);
  execFileSync("npm", ["install", "--global", "--silent", "--prefix", prefix, file], {
    cwd: folder.path,
    stdio: "ignore",
  });
});
afterAll(() => folder.remove());

function run(...words: string[]) {
  return spawnSync(command, words, { cwd: folder.path, encoding: "utf8" });
}

test("the command runs a case, with its probes", () => {
  const words = "bench --topology bridge:2 --workload forward --rounds 2 --duration 50ms --json";
  const { status, stdout, stderr } = run(...words.split(" "));
  expect(stderr).toContain("bridge:2/forward");
  expect(status).toBe(0);
  const { state, cases } = JSON.parse(stdout);
  expect(state).toBe("complete");
  expect(cases[0].bridge.decisions.knownUnicast).toBeGreaterThan(1000);
});

test("it comes with its man page", () => {
  expect(existsSync(join(prefix, "share", "man", "man1", "bridgescope.1"))).toBe(true);
});

test("the library can be imported, and knows its types", () => {
  const script = join(prefix, "lib", "use.mjs");
  writeFileSync(
    script,
    'import { FORMATS, runSchema } from "bridgescope"; console.log(FORMATS.length, typeof runSchema.parse);',
  );
  const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^\d+ function\n$/);
  expect(existsSync(join(prefix, "lib/node_modules/bridgescope/dist/index.d.ts"))).toBe(true);
});
