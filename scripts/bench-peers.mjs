// npm run bench:peers: one interleaved run beside the tools that people use instead; a table on stdout,
// the same and all samples under reports/peers. Options: --pairs N, --only name,…, --seed N, --out folder.
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./lib/built.mjs";
import { Failure, main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";
import { ensureSystemPackages, PEER_PACKAGES } from "./lib/system-packages.mjs";

await main(async () => {
  const options = parse(process.argv.slice(2));
  await setUp();
  await ensureSystemPackages(PEER_PACKAGES, say);
  await ensureBuilt(say);
  const interrupted = interruption();
  try {
    await compare(options, interrupted.signal);
    return 0;
  } catch (error) {
    if (interrupted.exitCode() !== null) return interrupted.exitCode();
    throw error;
  } finally {
    interrupted.stop();
  }
});

async function compare({ pairs, seed, only, out }, signal) {
  const { COMPARISONS } = await import("./peers/comparisons.mjs");
  const { twoCpus } = await import("./peers/context.mjs");
  const { measure } = await import("./peers/measure.mjs");
  const { provenanceOf, load } = await import("./peers/provenance.mjs");
  const { rowsOf, scalingOf } = await import("./peers/rows.mjs");
  const { markdownOf, notesOf, tableOf } = await import("./peers/report.mjs");
  const { boundsOf } = await import("./peers/bounds.mjs");

  const chosen = choose(COMPARISONS, only);
  mkdirSync(out, { recursive: true });
  const provenance = provenanceOf({ pairs, seed, only });
  say(`${chosen.length} comparisons, ${pairs} pairs, seed ${seed}`);
  const context = { cpus: twoCpus(), signal };
  const samples = await measure(chosen, context, { pairs, seed, progress: say });
  provenance.load.after = load();
  const rows = rowsOf(chosen, samples, seed);
  const named = (name) => rows.find((row) => row.name === name);
  const scaling = scalingOf(named("raw-flood-1"), named("raw-flood-2"), seed);
  const bounds = boundsOf(rows);
  const result = { provenance, rows, scaling, bounds };
  console.log(`${tableOf(rows)}\n`);
  for (const note of [...notesOf(rows, scaling), ...bounds]) console.log(note);
  writeFileSync(path.join(out, "peers.md"), markdownOf(result));
  writeFileSync(path.join(out, "peers.json"), `${JSON.stringify(result, null, 2)}\n`);
  say(`written to ${path.relative(process.cwd(), out)}/peers.md and peers.json`);
}

function parse(words) {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        pairs: { type: "string", default: "10" },
        seed: { type: "string", default: String(randomInt(2 ** 31)) },
        only: { type: "string" },
        out: { type: "string", default: inRoot("reports", "peers") },
      },
    });
    const { only = null, out } = values;
    return {
      pairs: whole("pairs", values.pairs, 1),
      seed: whole("seed", values.seed, 0),
      only,
      out: path.resolve(out),
    };
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(error.message, 2);
  }
}

function whole(name, text, least) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Failure(`--${name} takes a whole number from ${least} on, not "${text}"`, 2);
}

function choose(comparisons, only) {
  if (only === null) return comparisons;
  const names = only.split(",");
  const unknown = names.filter((name) => !comparisons.some((one) => one.name === name));
  if (unknown.length === 0) return comparisons.filter(({ name }) => names.includes(name));
  const known = comparisons.map(({ name }) => name).join(", ");
  throw new Failure(`--only knows no ${unknown.join(", ")}; it knows ${known}`, 2);
}

/** Ctrl-C ends the measurement and lets everything be taken down. */
function interruption() {
  const controller = new AbortController();
  let received = null;
  const onSignal = (signal) => {
    received ??= signal;
    controller.abort(new Failure(`interrupted by ${signal}`));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    exitCode: () => (received === null ? null : 128 + constants.signals[received]),
    stop: () => process.removeAllListeners("SIGINT"),
  };
}
