import { ensureDependencies } from "./dependencies.mjs";
import { requireNode } from "./node-version.mjs";
import { ensureSystemPackages, SYSTEM_PACKAGES } from "./system-packages.mjs";

export const say = (text) => process.stderr.write(`bridgescope: ${text}\n`);

/** Everything that has to be on the machine before the first line of src can run. */
export async function setUp() {
  requireNode();
  await ensureSystemPackages(SYSTEM_PACKAGES, say);
  await ensureDependencies(say);
}
