// What action.yml runs, as root: bridgescope with the action's inputs; its outputs are from what that wrote.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { benchArguments, overallVerdict } from "./lib/action.mjs";
import { runChild } from "./lib/child.mjs";
import { main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say } from "./lib/set-up.mjs";
import { ensureSystemPackages, SYSTEM_PACKAGES } from "./lib/system-packages.mjs";

await main(async () => {
  const { RUNNER_TEMP = tmpdir(), BRIDGESCOPE_ARTIFACT = "bridgescope" } = process.env;
  const out = path.join(RUNNER_TEMP, BRIDGESCOPE_ARTIFACT);
  const words = benchArguments(process.env, out);
  await ensureSystemPackages(SYSTEM_PACKAGES, say);
  const { exitCode } = await runChild(process.execPath, [
    inRoot("dist", "cli", "main.js"),
    ...words,
  ]);
  const document = path.join(out, "compare.json");
  if (existsSync(document)) {
    output("verdict", overallVerdict(JSON.parse(readFileSync(document, "utf8"))));
  }
  if (existsSync(out)) output("report", out);
  return exitCode;
});

function output(name, value) {
  if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, `${name}=${value}\n`);
}
