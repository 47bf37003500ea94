// npm run bench:probes: instructions per event of each probe program, in a guest whose clock counts them, beside the
// table in docs/probe-costs.json; then that table and docs/probe-costs.md are written anew.
// Options: --check compares and writes nothing: exit status 1 where a program takes over 2 % more, or is not in the
// table as it is; --kernel NAME (a guest's).
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./lib/built.mjs";
import { main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";

const PAGE = inRoot("docs", "probe-costs.md");
const TABLE = inRoot("docs", "probe-costs.json");
const MARKED = /(<!-- table -->\n)[\s\S]*(<!-- end of table -->)/;
/** A program that takes more than so many times the table's instructions has grown. */
const GROWN = 1.02;
/** Instructions: less than this is where a loop of the kernel's ends, not the program. */
const LEAST = 4;
const FRAMES = { forward: "bridge:2", flood: "bridge:4" };
const ROUND_NS = 10e6;
const TIMEOUT_MS = 1_500_000;

await main(async () => {
  const { values } = parseArgs({
    options: {
      check: { type: "boolean", default: false },
      kernel: { type: "string", default: "debian:bookworm" },
    },
  });
  await setUp();
  await ensureBuilt(say);
  const costs = await measure(values.kernel);
  const known = JSON.parse(readFileSync(TABLE, "utf8"));
  const table = { kernel: values.kernel, programs: await checksums(), costs };
  const grown = known.kernel === values.kernel ? compare(known, table) : [];
  process.stdout.write(tableOf(table));
  for (const line of grown) process.stdout.write(`${line}\n`);
  if (values.check) return grown.length === 0 ? 0 : 1;
  writeFileSync(TABLE, `${JSON.stringify(table, null, 2)}\n`);
  const page = readFileSync(PAGE, "utf8");
  writeFileSync(
    PAGE,
    page.replace(MARKED, (_all, begin, end) => `${begin}\n${tableOf(table)}\n${end}`),
  );
  return 0;
});

async function measure(kernel) {
  const { APP } = await import(inRoot("dist", "kernels", "app.js"));
  const { ensureImage, ensureUserland, parseKernelSpec, runGuest } = await import(
    inRoot("dist", "kernels", "index.js")
  );
  const userland = await ensureUserland({ progress: say });
  const image = await ensureImage(parseKernelSpec(kernel));
  const request = JSON.stringify({ frames: FRAMES, roundNs: ROUND_NS });
  const script = `${APP}/probe-costs.mjs`;
  const job = {
    argv: ["node", script, request],
    files: [{ from: inRoot("scripts", "probe-costs", "guest.mjs"), to: script }],
    timeoutMs: TIMEOUT_MS,
  };
  const result = await runGuest(image, userland, job, { clock: "icount", onLine: say });
  rmSync(result.folder, { recursive: true, force: true });
  if (result.exitCode !== 0) {
    throw new Error(
      `the guest ended with ${result.exitCode}: ${result.console.slice(-20).join("\n")}`,
    );
  }
  return JSON.parse(result.stdout);
}

/** A checksum of every program, so that a change without a new measurement shows. */
async function checksums() {
  const include = await import(inRoot("dist", "probes", "include.js"));
  const folder = inRoot("dist", "probes");
  const checksum = (file) => include.programChecksum(include.readProgram(folder, file));
  return Object.fromEntries(include.programFiles(folder).map((file) => [file, checksum(file)]));
}

/** A line for each event of a program that takes more instructions than the table says. */
function compare(known, now) {
  const key = ({ file, backend, workload }) => `${file} by ${backend}, ${workload}`;
  const before = new Map(known.costs.map((one) => [key(one), one]));
  return now.costs.flatMap((one) => {
    const old = before.get(key(one));
    if (old === undefined) return [`${key(one)}: not in the table`];
    return one.programs.flatMap(({ name, instructions }, at) => {
      const was = old.programs.filter((program) => program.name === name);
      const place = one.programs.slice(0, at).filter((program) => program.name === name).length;
      const base = was[place]?.instructions;
      if (base === undefined) return [`${key(one)}, ${name}: not in the table`];
      if (instructions <= Math.max(base * GROWN, base + LEAST)) return [];
      return [`${key(one)}, ${name}: ${instructions} instructions an event, ${base} in the table`];
    });
  });
}

function tableOf({ kernel, costs }) {
  const rows = costs.flatMap(({ file, backend, workload, topology, perFrame, programs }) => {
    const events = programs.map(({ name, instructions }) => `${name} ${instructions}`).join(", ");
    return [`| ${file} | ${backend} | ${workload}, ${topology} | ${events} | ${perFrame ?? "-"} |`];
  });
  return `${[
    `Instructions on ${kernel}, net of an empty program; the last column has the way into and out of each event too.`,
    "",
    "| program | backend | frames | per event | more per frame |",
    "| --- | --- | --- | --- | ---: |",
    ...rows,
  ].join("\n")}\n`;
}
