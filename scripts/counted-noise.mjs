// How far counted time repeats: node scripts/counted-noise.mjs <folder of a run>...
// Takes stored runs of `bench --kernel … --clock icount`, several of each kernel and each with a seed of
// its own. Prints every stage's instructions run by run, then compares every two runs of one kernel:
// there, any difference that is found is a false alarm.
import { Failure, main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";

const { readRun } = await import(inRoot("dist", "store", "runs.js"));
const { STAGES } = await import(inRoot("dist", "document", "run.js"));
const { compareRuns } = await import(inRoot("dist", "stats", "compare", "runs.js"));
const { shareInterval } = await import(inRoot("dist", "stats", "proportion.js"));

await main(async () => {
  const runs = process.argv.slice(2).map((folder) => readRun(folder));
  const kernels = new Map();
  for (const run of runs) {
    const { release } = run.environment.kernel;
    kernels.set(release, [...(kernels.get(release) ?? []), run]);
  }
  if (![...kernels.values()].some((of) => of.length > 1)) {
    throw new Failure("nothing to compare: name at least two stored runs of one kernel", 2);
  }
  for (const [release, of] of kernels) printStages(release, of);
  console.log("A against A, each comparison one stage of one case in two runs of one kernel:\n");
  const every = [...kernels.values()].flatMap((of) =>
    of.flatMap((one, index) => of.slice(index + 1).map((other) => [one, other])),
  );
  const apart = [...kernels.values()].flatMap((of) =>
    of.flatMap((one, index) => (index % 2 === 1 ? [[of[index - 1], one]] : [])),
  );
  printAlarms("every two runs", every);
  printAlarms("no run in two comparisons", apart);
  return 0;
});

function printStages(release, runs) {
  const [{ cases }] = runs;
  const seeds = runs.map(({ provenance }) => `seed ${provenance.seed}`);
  console.log(
    `${release}, ${runs.map(({ guest }) => guest?.boots.length ?? 1).join(" and ")} boots\n`,
  );
  console.log(`| case, stage | ${seeds.join(" | ")} | apart |`);
  console.log(`| --- |${" ---: |".repeat(runs.length + 1)}`);
  for (const { id, latency } of cases) {
    for (const stage of Object.keys(latency)) {
      const found = runs.map((run) => run.cases.find((one) => one.id === id)?.latency[stage]);
      const values = found.flatMap((one) => one?.estimate?.value ?? one?.p50 ?? []);
      const apart = Math.max(...values) / Math.min(...values) - 1;
      const cells = found.map((one) => (one === undefined ? "-" : cell(one)));
      console.log(`| ${id} ${stage} | ${cells.join(" | ")} | ${percent(apart)} |`);
    }
  }
  console.log("");
}

function cell({ estimate, p50 }) {
  if (!estimate) return `${p50}`;
  const { value, ci } = estimate;
  return ci === null || ci[0] === ci[1] ? `${value}` : `${value} (${ci[0]} .. ${ci[1]})`;
}

function printAlarms(title, pairs) {
  const verdicts = pairs
    .flatMap(([base, candidate]) => compareRuns(base, candidate).verdicts)
    .filter(({ metric }) => STAGES.includes(metric));
  if (verdicts.length === 0) return;
  const alarms = verdicts.filter(({ verdict }) => /^(regression|improvement)$/.test(verdict));
  const unchanged = verdicts.filter(({ verdict }) => verdict === "unchanged").length;
  const [low, high] = shareInterval(alarms.length, verdicts.length);
  console.log(
    `${title}: ${verdicts.length} comparisons, ${alarms.length} false alarms, ${percent(low)} .. ${percent(high)} (95 %, exact); ${unchanged} unchanged, the rest inconclusive`,
  );
  for (const { base, candidate, case: id, metric, baseCi, candidateCi } of alarms) {
    console.log(`  ${id} ${metric}: ${baseCi} in ${base}, ${candidateCi} in ${candidate}`);
  }
}

function percent(share) {
  return `${Number((share * 100).toPrecision(2))} %`;
}
