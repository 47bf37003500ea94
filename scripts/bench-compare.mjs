// npm run bench:compare: how long `compare` takes with two documents of 100 cases, started as a command. The cases are
// those of the committed sample, again and again under names of their own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureBuilt } from "./lib/built.mjs";
import { Failure, main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";

const CASES = 100;
const TIMES = 9;
const TARGET = "target: under 1 s";

await main(async () => {
  await setUp();
  await ensureBuilt(say);
  const folder = mkdtempSync(path.join(tmpdir(), "bridgescope-compare-"));
  try {
    const files = ["base", "candidate"].map((id) => write(folder, id));
    const size = (statSync(files[0]).size / 1e6).toFixed(1);
    for (const format of ["json", "terminal", "html"]) {
      const ms = Array.from({ length: TIMES }, () => time(files, format)).sort((a, b) => a - b);
      const middle = ms[Math.floor(TIMES / 2)];
      say(
        `compare --format ${format}, two documents of ${CASES} cases (${size} MB each): median ${middle.toFixed(0)} ms of ${TIMES} (${ms[0].toFixed(0)} to ${ms.at(-1).toFixed(0)}); ${TARGET}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return 0;
});

function write(folder, id) {
  const { integrity: _, ...run } = JSON.parse(
    readFileSync(inRoot("reports", "sample", "run.json"), "utf8"),
  );
  const cases = Array.from({ length: CASES }, (_one, index) => {
    const item = run.cases[index % run.cases.length];
    return { ...item, id: `${item.id},copy=${index}` };
  });
  const file = path.join(folder, `${id}.json`);
  writeFileSync(file, JSON.stringify({ ...run, id, cases }));
  return file;
}

function time(files, format) {
  const cli = inRoot("dist", "cli", "main.js");
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [
    cli,
    "compare",
    ...files,
    "--format",
    format,
  ]);
  if (status !== 0) throw new Failure(`compare ended with ${status}: ${stderr}`);
  return performance.now() - began;
}
