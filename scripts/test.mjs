// npm test: every check of the project in order; the last line of stdout is the count.
import { constants } from "node:os";
import { Failure, main } from "./lib/failure.mjs";
import { fetchNode } from "./lib/other-node.mjs";
import { inModules, inRoot, TSC } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";
import { check, timed } from "./lib/steps.mjs";
import { BROWSER_PACKAGES, ensureSystemPackages, GUEST_PACKAGES } from "./lib/system-packages.mjs";
import { runVitest } from "./lib/vitest.mjs";

const LTS = 24;
/** What rests on Node itself: threads, native calls, streams, processes. What the kernel does is the same under either. */
const ON_LTS = [
  ...["library", "raw"].map((name) => `integration/bench/${name}`),
  ...["cli", "killed"].map((name) => `integration/lab/${name}`),
  "integration/doctor",
];
const node = process.execPath;

const CHECKS = [
  ["typecheck", [TSC, "-p", "tsconfig.json"]],
  ["lint and format", [inModules("@biomejs", "biome", "bin", "biome"), "check", "."]],
  ["unused code", [inModules("knip", "bin", "knip.js"), "--no-progress"]],
  ["build", [inRoot("scripts", "build.mjs")]],
  ["package lint", [inModules("publint", "src", "cli.js"), "--strict"]],
];

await main(async () => {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const add = (result) => {
    for (const key of Object.keys(total)) total[key] += result[key];
    if (result.interruptedBy) {
      throw new Failure(
        "the tests were interrupted",
        128 + constants.signals[result.interruptedBy],
      );
    }
  };

  try {
    await timed("set-up", setUp);
    for (const [title, args] of CHECKS) add(await check(title, node, args));
    const guests = await ready("tests in a guest kernel", GUEST_PACKAGES);
    const browser = await ready("tests of the reports in Chromium", BROWSER_PACKAGES);
    for (const project of ["unit", "integration", "torture"]) {
      add(await timed(`${project} tests, Node ${process.version}`, () => runVitest(project)));
    }
    if (browser) add(await timed("tests in Chromium", () => runVitest("browser")));
    if (guests) {
      add(await timed("tests in guest kernels", () => runVitest("guest")));
    }
    const other = await otherNode();
    if (other) {
      add(await timed(`unit tests, Node ${LTS}`, () => runVitest("unit", [], other)));
      const title = `integration tests that rest on Node, Node ${LTS}`;
      add(await timed(title, () => runVitest("integration", ON_LTS, other)));
    }
  } catch (error) {
    // The count is the last line whatever happened.
    const known = error instanceof Failure;
    process.stderr.write(`bridgescope: ${known ? error.message : error.stack}\n`);
    total.failed += 1;
    printTotal(total);
    return known ? error.exitCode : 1;
  }
  printTotal(total);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
});

/** Whether the packages that tests take are there, or could be installed. */
async function ready(tests, packages) {
  try {
    await ensureSystemPackages(packages, say);
    return true;
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode >= 128) throw error;
    process.stdout.write(`── skipped: ${tests}: ${error.message}\n`);
    return false;
  }
}

async function otherNode() {
  const skip = (reason) => {
    process.stdout.write(`── skipped: tests on Node ${LTS}: ${reason}\n`);
    return null;
  };
  if (process.env.BRIDGESCOPE_TEST_NODE24 === "0") return skip("BRIDGESCOPE_TEST_NODE24 is 0");
  if (process.versions.node.startsWith(`${LTS}.`)) return skip("this is Node 24 already");
  try {
    return await fetchNode(LTS);
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode >= 128) throw error;
    return skip(error.message);
  }
}

function printTotal({ passed, failed, skipped }) {
  const parts = [
    `${passed} passed`,
    `${failed} failed`,
    ...(skipped ? [`${skipped} skipped`] : []),
  ];
  process.stdout.write(`${parts.join(", ")}\n`);
}
