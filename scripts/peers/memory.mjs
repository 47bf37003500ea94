import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../lib/failure.mjs";
import { inRoot } from "../lib/repository.mjs";
import { openPrivateSite, startChild } from "./compiled.mjs";

const LOOK_MS = 10;
const WORDS = "bench --topology bridge:1000 --workload forward --backend off --rounds 10".split(
  " ",
);

export const memory = {
  name: "memory",
  what: "peak memory of a run with bridge:1000",
  peerName: null,
  unit: "MB",
  target: { atMost: 300 },
  /** Each takes several seconds, and they hardly differ. */
  most: 3,
  open: async ({ signal }) => ({ ours: () => peakMegabytes(signal), close: async () => {} }),
};

/** The process's own record of its largest resident set (VmHWM), read until it ends. */
async function peakMegabytes(signal) {
  // What the run writes goes into the site's /run, and with it.
  const site = await openPrivateSite();
  const main = inRoot("dist", "cli", "main.js");
  const child = startChild(site, process.execPath, [main, ...WORDS, "--out", "/run/out"]);
  child.process.stdout?.resume();
  let over = null;
  void child.ended.then((how) => {
    over = how;
  });
  let peak = 0;
  try {
    while (over === null) {
      peak = Math.max(peak, highWaterKib(child.pid));
      await sleep(LOOK_MS, undefined, { signal });
    }
    if (over.code !== 0) throw new Failure(`${WORDS.join(" ")} failed: ${child.complaints()}`);
    return (peak * 1024) / 1e6;
  } finally {
    await child.stop("SIGKILL", 1000);
    await site.close();
  }
}

function highWaterKib(pid) {
  try {
    return Number(
      /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
}
