// npm test: every check and every kind of test in order; the last line of stdout is the count. What repeats or takes long
// is in npm run test:full.
import { checkPackage, checkSources } from "./lib/checks.mjs";
import { counted } from "./lib/count.mjs";
import { Failure, main } from "./lib/failure.mjs";
import { fetchNode } from "./lib/other-node.mjs";
import { say, setUp } from "./lib/set-up.mjs";
import { ready, skipped, timed } from "./lib/steps.mjs";
import { BROWSER_PACKAGES, GUEST_PACKAGES, NETWORK_PACKAGES } from "./lib/system-packages.mjs";
import { runVitest } from "./lib/vitest.mjs";

const LTS = 24;
/** What rests on Node itself: threads, native calls, streams, processes. What the kernel does is the same under either. */
const ON_LTS = [
  ...["library", "raw"].map((name) => `integration/bench/${name}`),
  ...["cli", "killed"].map((name) => `integration/lab/${name}`),
  "integration/doctor",
];

await main(() =>
  counted(async (add) => {
    const test = async (title, project, options) =>
      add(await timed(title, () => runVitest(project, { ...options, full: false })));
    const [here, lts] = [`Node ${process.version}`, `Node ${LTS}`];

    await timed("set-up", setUp);
    await checkSources(add);
    await checkPackage(add);
    const guests = await ready("tests in a guest kernel", GUEST_PACKAGES, say);
    // Without them these tests skip themselves.
    await ready("tests on networks of podman, CNI and Mininet", NETWORK_PACKAGES, say);
    const browser = await ready("tests of the reports in Chromium", BROWSER_PACKAGES, say);
    await test(`unit tests, ${here}`, "unit");
    await test(`integration tests, ${here}`, "integration");
    await test(`torture, ${here}`, "torture");
    if (browser) await test("tests in Chromium", "browser");
    if (guests) await test("tests in guest kernels", "guest");
    const node = await otherNode();
    if (node) {
      await test(`unit tests, ${lts}`, "unit", { node });
      await test(`integration tests that rest on Node, ${lts}`, "integration", {
        words: ON_LTS,
        node,
      });
    }
  }),
);

async function otherNode() {
  const skip = (reason) => skipped(`tests on Node ${LTS}`, reason);
  if (process.env.BRIDGESCOPE_TEST_NODE24 === "0") return skip("BRIDGESCOPE_TEST_NODE24 is 0");
  if (process.versions.node.startsWith(`${LTS}.`)) return skip("this is Node 24 already");
  try {
    return await fetchNode(LTS);
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode >= 128) throw error;
    return skip(error.message);
  }
}
