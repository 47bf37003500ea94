// npm run test:full: what npm test leaves out because it repeats or takes long: the tests that are tagged `full`, and the
// torture's trials again and more often. The last line of stdout is the count.
import { ensureBuilt } from "./lib/built.mjs";
import { counted } from "./lib/count.mjs";
import { main } from "./lib/failure.mjs";
import { say, setUp } from "./lib/set-up.mjs";
import { ready, timed } from "./lib/steps.mjs";
import { GUEST_PACKAGES } from "./lib/system-packages.mjs";
import { runVitest } from "./lib/vitest.mjs";

/** Of each row of docs/reliability.md; entered into its table by npm run torture alone. */
const TORTURE = { BRIDGESCOPE_TRIALS: "4", BRIDGESCOPE_INPUTS: "20000" };

await main(() =>
  counted(async (add) => {
    const test = async (title, project, options) =>
      add(await timed(title, () => runVitest(project, options)));
    await timed("set-up", setUp);
    await ensureBuilt(say);
    const guests = await ready("tests in a guest kernel", GUEST_PACKAGES, say);
    await test("integration tests, in full", "integration", { full: true });
    await test("torture, more often", "torture", { env: TORTURE });
    if (guests) await test("tests in guest kernels, in full", "guest", { full: true });
  }),
);
