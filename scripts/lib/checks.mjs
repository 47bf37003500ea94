import { inModules, inRoot, TSC } from "./repository.mjs";
import { check } from "./steps.mjs";

const STATIC = [
  ["typecheck", [TSC, "-p", "tsconfig.json"]],
  ["lint and format", [inModules("@biomejs", "biome", "bin", "biome"), "check", "."]],
  ["unused code", [inModules("knip", "bin", "knip.js"), "--no-progress"]],
];

const PACKAGE = [
  ["build", [inRoot("scripts", "build.mjs")]],
  ["package lint", [inModules("publint", "src", "cli.js"), "--strict"]],
];

/** What the sources alone tell: types, lint, unused code, all at once. */
export async function checkSources(add) {
  const results = await Promise.all(
    STATIC.map(([title, args]) => check(title, process.execPath, args)),
  );
  for (const result of results) add(result);
}

/** Fills dist, and looks at the package as a user would install it. */
export async function checkPackage(add) {
  for (const [title, args] of PACKAGE) add(await check(title, process.execPath, args));
}
