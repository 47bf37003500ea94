// npm run check: types, lint, unused code and unit tests, in under a minute and without privileges; the last line of
// stdout is the count.
import { checkSources } from "./lib/checks.mjs";
import { counted } from "./lib/count.mjs";
import { ensureDependencies } from "./lib/dependencies.mjs";
import { main } from "./lib/failure.mjs";
import { requireNode } from "./lib/node-version.mjs";
import { say } from "./lib/set-up.mjs";
import { quietly } from "./lib/steps.mjs";
import { runVitest } from "./lib/vitest.mjs";

await main(() =>
  counted(async (add) => {
    requireNode();
    await ensureDependencies(say);
    await checkSources(add);
    add(await quietly("unit tests", (onOutput) => runVitest("unit", { onOutput })));
  }),
);
