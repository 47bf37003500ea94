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

/**
 * The sender's loop, and what the first thread does while others ask and answer. Doctor keeps one record a process, into
 * which every thread writes, and cannot read it afterwards: it takes the load that sends from the first thread.
 */
const LOADS = [
  { name: "forward", topology: "bridge:4", tools: ["doctor", "flame"] },
  { name: "tcp-rr", topology: "bridge:2", tools: ["flame"] },
];
const BENCH = ["--backend", "off", "--rounds", "10", "--duration", "500ms"];

await main(async () => {
  await setUp();
  await ensureBuilt(say);
  for (const { name, topology, tools } of LOADS) {
    for (const tool of tools) await profile(name, topology, tool);
  }
  return 0;
});

async function profile(name, topology, tool) {
  const folder = path.join(OUT, `${name}-${tool}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const load = ["--topology", topology, "--workload", name, ...BENCH];
  const bench = [inRoot("dist", "cli", "main.js"), "bench", ...load];
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
