// npm run soak: memory and descriptors of a `watch` and a `bench` that go on and on, side by side. `watch` gives a
// record every 0.2 s, five times as often as it does by itself: 96 minutes are the records of 8 hours.
// Options: --of watch or --of bench for one of them alone, --minutes N, --copies N (flooded a second).
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

/** Share of the time in which code is compiled and the heap finds its size; then come the quarters. */
const WARM_UP = 0.2;
const QUARTERS = 4;
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
      of: { type: "string", multiple: true, default: ["watch", "bench"] },
    },
  });
  const [minutes, copies] = [Number(values.minutes), Number(values.copies)];
  if (!(minutes >= 2 && copies > 0)) {
    throw new Failure("--minutes takes a number from 2 on, --copies one above 0", 2);
  }
  if (!values.of.every((name) => ["watch", "bench"].includes(name))) {
    throw new Failure("--of is watch or bench", 2);
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
    const words = {
      watch: [
        ...["watch", "--netns", `/proc/${process.pid}/fd/${lab.bridge.namespace.fd}`],
        ...["--json", "--interval", "0.2s", "--max-overhead", "100%"],
      ],
      bench: [
        ...["bench", "--duration", "200ms", "--rounds", "20", "--out", path.join(folder, "out")],
        ...TOPOLOGIES.flatMap((topology) => ["--topology", topology]),
        ...WORKLOADS.flatMap((workload) => ["--workload", workload]),
      ],
    };
    for (const name of values.of) soaked.push(start(name, words[name]));
    const began = performance.now();
    const options = { senders: 1, frameSize: 60, rate: Math.round(copies / (HOSTS - 1)) };
    const given = { lab, options, cpus: threadCpus(), signal };
    const driver = await workloadNamed("flood").prepare(given);
    let next = EVERY_MS;
    let collect = WARM_UP;
    for (let passed = 0; passed < 1; ) {
      await driver.round(FLOOD_MS * 1e6);
      const ms = performance.now() - began;
      passed = ms / (minutes * 60_000);
      if (ms >= next) {
        next += EVERY_MS;
        for (const one of soaked) one.look(passed);
      }
      if (passed >= collect) {
        collect += (1 - WARM_UP) / QUARTERS;
        for (const one of soaked) await one.collect();
      }
    }
    await driver.close();
    for (const one of soaked) tell(one, minutes, median);
  } finally {
    for (const one of soaked) await one.end();
    await lab.close();
    rmSync(folder, { recursive: true });
  }
  return 0;
});

function start(name, words) {
  const preload = ["--expose-gc", "--import", inRoot("scripts", "lib", "live-memory.mjs")];
  const child = spawn(process.execPath, [...preload, inRoot("dist", "cli", "main.js"), ...words], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const one = { name, looks: [], live: [], records: 0 };
  let complaint = "";
  createInterface({ input: child.stdout }).on("line", () => one.records++);
  createInterface({ input: child.stderr }).on("line", (line) => {
    complaint = line;
  });
  const ended = once(child, "close");
  const mustRun = () => {
    if (child.exitCode === null && child.signalCode === null) return;
    throw new Failure(`${name} ended with ${child.exitCode ?? child.signalCode}: ${complaint}`);
  };
  return Object.assign(one, {
    look: (passed) => {
      mustRun();
      const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
      const descriptors = readdirSync(`/proc/${child.pid}/fd`).length;
      one.looks.push({ passed, mb: Number(kb) / 1000, descriptors });
    },
    collect: async () => {
      mustRun();
      child.send("collect");
      const [bytes] = await once(child, "message", { signal: AbortSignal.timeout(60_000) });
      one.live.push(bytes / 1e6);
    },
    end: async () => {
      child.kill("SIGINT");
      await ended;
    },
  });
}

function tell({ name, looks, live, records }, minutes, median) {
  const settled = looks.filter(({ passed }) => passed >= WARM_UP);
  const quarterOf = ({ passed }) =>
    Math.min(QUARTERS - 1, Math.floor(((passed - WARM_UP) / (1 - WARM_UP)) * QUARTERS));
  const resident = Array.from({ length: QUARTERS }, (_, quarter) =>
    median(settled.filter((look) => quarterOf(look) === quarter).map(({ mb }) => mb)),
  );
  const descriptors = settled.map((look) => look.descriptors);
  const list = (values) => values.map((mb) => mb.toFixed(1)).join(", ");
  say(
    `${name}: ${minutes} min${name === "watch" ? `, ${records} records` : ""}; resident, median of a quarter each: ${list(resident)} MB; live after a full collection, at each quarter's ends: ${list(live)} MB; ${Math.min(...descriptors)} to ${Math.max(...descriptors)} descriptors`,
  );
}
