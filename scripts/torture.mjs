// npm run torture: what docs/reliability.md says of a tool that runs as root. Each trial is entered into
// docs/reliability.json before the next begins: cut it off and call it again, and it adds to what is there.
// Options: --trials N (of each test), --inputs N (of each parser), --only TEXT (tests whose name has it), --table.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./lib/built.mjs";
import { Failure, main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";
import { runVitest } from "./lib/vitest.mjs";

const PAGE = inRoot("docs", "reliability.md");
const ROWS = inRoot("docs", "reliability.json");
const TABLE = /(<!-- table -->\n)[\s\S]*(<!-- end of table -->)/;

await main(async () => {
  const { values } = parseArgs({
    options: {
      trials: { type: "string", default: "10" },
      inputs: { type: "string", default: "100000" },
      only: { type: "string", default: "" },
      table: { type: "boolean", default: false },
    },
  });
  for (const name of ["trials", "inputs"]) {
    if (!/^\d+$/.test(values[name])) throw new Failure(`--${name} takes a whole number`, 2);
  }
  await setUp();
  await ensureBuilt(say);
  let failed = 0;
  if (!values.table) {
    const { trials, inputs } = values;
    const env = {
      BRIDGESCOPE_TRIALS: trials,
      BRIDGESCOPE_INPUTS: inputs,
      BRIDGESCOPE_TORTURE: "1",
    };
    const words = values.only === "" ? [] : ["--testNamePattern", values.only];
    ({ failed } = await runVitest("torture", { words, env }));
  }
  const { shareInterval } = await import(inRoot("dist", "stats", "proportion.js"));
  const table = tableOf(JSON.parse(readFileSync(ROWS, "utf8")), shareInterval);
  const page = readFileSync(PAGE, "utf8");
  writeFileSync(
    PAGE,
    page.replace(TABLE, (_all, begin, end) => `${begin}\n${table}\n${end}`),
  );
  process.stdout.write(table);
  return failed === 0 ? 0 : 1;
});

/** A row a test: a failure's share is at most `bound`, at 95 % (exact: Clopper and Pearson). */
function tableOf(rows, shareInterval) {
  const lines = Object.entries(rows).map(([name, row]) => {
    const [, bound] = shareInterval(row.failures, row.trials);
    const cells = [name, row.trials.toLocaleString("en"), row.failures, share(bound)];
    return `| ${[...cells, ...[duration(row.seconds), row.kernels.join(", "), row.last]].join(" | ")} |`;
  });
  return `${[
    "| test | trials | failures | at most, at 95 % | time | kernel | last |",
    "| --- | ---: | ---: | ---: | ---: | --- | --- |",
    ...lines,
  ].join("\n")}\n`;
}

function share(value) {
  const percent = value * 100;
  return percent < 0.001 ? `${(value * 1e6).toPrecision(2)} ppm` : `${percent.toPrecision(2)} %`;
}

function duration(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
