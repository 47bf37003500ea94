import { readFileSync } from "node:fs";
import { runStep } from "./child.mjs";
import { inModules, inRoot, ROOT } from "./repository.mjs";

/** Runs `npm ci` unless node_modules holds exactly what package-lock.json asks for. */
export async function ensureDependencies(say = () => {}) {
  const reason = whyInstall();
  if (reason === null) return;
  say(`${reason}: npm ci`);
  await runStep("npm ci", "npm", ["ci", "--no-fund", "--no-audit"], { cwd: ROOT });
}

/**
 * npm writes what it installed into node_modules/.package-lock.json. Comparing that with the lock file
 * also recognises an `npm ci` that somebody ran by hand, which a stamp of our own would not.
 */
function whyInstall() {
  const installed = lockedPackages(inModules(".package-lock.json"));
  if (installed === null) return "node_modules is missing";
  const wanted = lockedPackages(inRoot("package-lock.json")) ?? {};
  return difference(wanted, installed);
}

/** The first thing that tells the installed packages from the locked ones, or null. */
function difference(wanted, installed) {
  for (const [location, entry] of Object.entries(wanted)) {
    const there = installed[location];
    if (location === "") continue;
    if (there === undefined && (entry.optional || entry.devOptional)) continue;
    if (there === undefined) return `${location} is not installed`;
    if (there.version !== entry.version || there.integrity !== entry.integrity) {
      return `${location} is ${there.version}, the lock file says ${entry.version}`;
    }
  }
  const extra = Object.keys(installed).find((location) => !(location in wanted));
  return extra === undefined ? null : `${extra} is not in the lock file`;
}

function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? null;
  } catch {
    return null;
  }
}
