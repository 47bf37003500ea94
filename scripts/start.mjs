// npm start: makes the machine ready and runs the plan `article`; further arguments go to `bench`.
import { ensureBuilt } from "./lib/built.mjs";
import { runChild } from "./lib/child.mjs";
import { main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";

await main(async () => {
  await setUp();
  await ensureBuilt(say);
  const bench = [inRoot("dist", "cli", "main.js"), "bench", "article", ...process.argv.slice(2)];
  return (await runChild(process.execPath, bench)).exitCode;
});
