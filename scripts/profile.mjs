// npm run profile: clinic on the harness under load; its reports go to reports/profile. clinic is run through npx, since
// it is no longer maintained and brings hundreds of packages: it is no dependency of ours.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { ensureBuilt } from "./lib/built.mjs";
import { runStep } from "./lib/child.mjs";
import { Failure, main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";

const CLINIC = "clinic@13";
const OUT = inRoot("reports", "profile");

/** The sender's loop, and the event loop's part in a request and its answer. */
const LOADS = {
  forward: ["--topology", "bridge:4", "--workload", "forward"],
  "tcp-rr": ["--topology", "bridge:2", "--workload", "tcp-rr"],
};
const BENCH = ["--backend", "off", "--rounds", "10", "--duration", "500ms"];
const TOOLS = ["doctor", "flame"];

await main(async () => {
  await setUp();
  await ensureBuilt(say);
  for (const [name, load] of Object.entries(LOADS)) {
    for (const tool of TOOLS) await profile(name, load, tool);
  }
  return 0;
});

async function profile(name, load, tool) {
  const folder = path.join(OUT, `${name}-${tool}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const bench = [inRoot("dist", "cli", "main.js"), "bench", ...load, ...BENCH];
  const words = ["--yes", CLINIC, tool, "--open=false", "--dest", folder, "--"];
  // Without a terminal clinic asks whether it may report home, and writes nothing: NO_INSIGHT answers that.
  await runStep(
    `clinic ${tool} on ${name}`,
    "npx",
    [...words, process.execPath, ...bench, "--out", path.join(folder, "run")],
    { env: { ...process.env, NO_INSIGHT: "1" } },
  );
  const [report] = reportsIn(folder);
  if (report === undefined) {
    throw new Failure(`clinic ${tool} wrote no report for ${name} under ${folder}`);
  }
  say(`clinic ${tool} on ${name}: ${path.relative(process.cwd(), report)}`);
}

function reportsIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".html"))
    .map((file) => path.join(folder, file));
}
