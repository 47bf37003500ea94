// npm run soak: memory and descriptors of a `watch` and a `bench` that go on and on, side by side. `watch` gives a
// record every 0.2 s, five times as often as it does by itself: 96 minutes are the records of 8 hours.
// Options: --minutes N, --copies N (flooded a second).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./lib/built.mjs";
import { Failure, main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";

const HOSTS = 8;
const EVERY_MS = 15_000;
const FLOOD_MS = 5_000;
/** Of so many cases that no soak comes to their end: a lab and its probes each. */
const TOPOLOGIES = Array.from({ length: 200 }, (_, index) => `bridge:${2 + index}`);
const WORKLOADS = ["forward", "flood", "udp-rr", "learn"];

await main(async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      copies: { type: "string", default: "20000" },
    },
  });
  const [minutes, copies] = [Number(values.minutes), Number(values.copies)];
  if (!(minutes >= 2 && copies > 0)) {
    throw new Failure("--minutes takes a number from 2 on, --copies one above 0", 2);
  }
  await setUp();
  await ensureBuilt(say);
  const { buildPrivateLab, median, resolveTopology, threadCpus, waitUntilReady, workloadNamed } =
    await import("./peers/compiled.mjs");
  const { signal } = new AbortController();
  const folder = mkdtempSync(path.join(tmpdir(), "bridgescope-soak-"));
  const lab = await buildPrivateLab(resolveTopology(`bridge:${HOSTS}`), { signal });
  const soaked = [];
  try {
    await waitUntilReady(lab, signal);
    soaked.push(
      start("watch", [
        ...["watch", "--netns", `/proc/${process.pid}/fd/${lab.bridge.namespace.fd}`],
        ...["--json", "--interval", "0.2s", "--max-overhead", "100%"],
      ]),
      start("bench", [
        ...["bench", "--duration", "200ms", "--rounds", "20", "--out", path.join(folder, "out")],
        ...TOPOLOGIES.flatMap((topology) => ["--topology", topology]),
        ...WORKLOADS.flatMap((workload) => ["--workload", workload]),
      ]),
    );
    const began = performance.now();
    const options = { senders: 1, frameSize: 60, rate: Math.round(copies / (HOSTS - 1)) };
    const given = { lab, options, cpus: threadCpus(), signal };
    const driver = await workloadNamed("flood").prepare(given);
    let next = EVERY_MS;
    while (performance.now() - began < minutes * 60_000) {
      await driver.round(FLOOD_MS * 1e6);
      if (performance.now() - began < next) continue;
      next += EVERY_MS;
      for (const one of soaked) one.look((performance.now() - began) / 60_000);
    }
    await driver.close();
    for (const one of soaked) tell(one, median);
  } finally {
    for (const one of soaked) await one.end();
    await lab.close();
    rmSync(folder, { recursive: true });
  }
  return 0;
});

function start(name, words) {
  const child = spawn(process.execPath, [inRoot("dist", "cli", "main.js"), ...words], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const looks = [];
  const one = { name, looks, lines: 0 };
  createInterface({ input: child.stdout }).on("line", () => one.lines++);
  const ended = once(child, "close");
  return Object.assign(one, {
    look: (minute) => {
      if (child.exitCode !== null) throw new Failure(`${name} ended with ${child.exitCode}`);
      const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
      const descriptors = readdirSync(`/proc/${child.pid}/fd`).length;
      looks.push({ minute, mb: Number(kb) / 1000, descriptors });
    },
    end: async () => {
      child.kill("SIGINT");
      await ended;
    },
  });
}

/** The first quarter is the warm-up: code is compiled, and the heap finds its size. */
function tell({ name, looks, lines }, median) {
  const settled = looks.slice(Math.floor(looks.length / 4));
  const quarter = Math.floor(settled.length / 4);
  const mb = (some) => median(some.map((look) => look.mb)).toFixed(1);
  const descriptors = settled.map((look) => look.descriptors);
  say(
    `${name}: ${looks.at(-1).minute.toFixed(1)} min, ${lines} records; resident, median of a quarter each: ${[0, 1, 2, 3].map((at) => mb(settled.slice(at * quarter, (at + 1) * quarter))).join(", ")} MB; ${Math.min(...descriptors)} to ${Math.max(...descriptors)} descriptors`,
  );
}
