// npm run bench:watch: whether `watch` counts right, and what it costs: on a flood of so many copies a second, on one as fast as
// it goes, and on frames that no bridge handles.
// Options: --copies N (a second), --seconds N (of each round), --pairs N, --seed N.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./lib/built.mjs";
import { main } from "./lib/failure.mjs";
import { inRoot } from "./lib/repository.mjs";
import { say, setUp } from "./lib/set-up.mjs";

const HOSTS = 8;
const SESSIONS = 7;

await main(async () => {
  const { values } = parseArgs({
    options: {
      copies: { type: "string", default: "300000" },
      seconds: { type: "string", default: "5" },
      pairs: { type: "string", default: "6" },
      seed: { type: "string", default: "1" },
    },
  });
  const [copies, seconds, pairs, seed] = [
    ...["copies", "seconds", "pairs", "seed"].map((name) => Number(values[name])),
  ];
  await setUp();
  await ensureBuilt(say);
  const {
    buildPrivateLab,
    chooseBackend,
    LIVE,
    loadLive,
    median,
    ratioOfPairs,
    resolveTopology,
    shuffled,
    threadCpus,
    WATCH,
    waitUntilReady,
    workloadNamed,
  } = await import("./peers/compiled.mjs");
  const backend = await chooseBackend("tracepoint");
  for (const [command, files] of Object.entries({ watch: WATCH, explain: LIVE })) {
    const costs = [];
    for (let session = 0; session < SESSIONS; session++) {
      const program = await loadLive(files, [backend]);
      costs.push(program.event);
      await program.close();
    }
    const of = (name) => median(costs.map((cost) => cost[name])).toFixed(0);
    say(
      `${command}: an event of a frame that no bridge handles takes ${of("unrelatedNs")} ns while it counts, ${of("besidesNs")} ns of them outside the programs (median of ${SESSIONS} sessions), and nothing while it rests`,
    );
  }
  const { signal } = new AbortController();
  const lab = await buildPrivateLab(resolveTopology(`bridge:${HOSTS}`), { signal });
  try {
    await waitUntilReady(lab, signal);
    const flood = async (rate, ms) => {
      const options = { senders: 1, frameSize: 60, ...(rate === null ? {} : { rate }) };
      const cpus = threadCpus();
      const driver = await workloadNamed("flood").prepare({ lab, options, cpus, signal });
      try {
        return (await driver.round(ms * 1e6)).metrics;
      } finally {
        await driver.close();
      }
    };
    const rate = Math.round(copies / (HOSTS - 1));
    await exact(lab, () => flood(rate, seconds * 1000), "100%");

    const shuffle = shuffled(seed);
    const rates = { watched: [], counted: [], alone: [] };
    const believed = [];
    const watched = async (side, overhead) => {
      const watching = await watch(lab, ["--interval", "1s", "--max-overhead", overhead]);
      try {
        rates[side].push(1e9 / (await flood(null, seconds * 1000)).ns_per_frame);
      } finally {
        await watching.end();
      }
      return watching.records;
    };
    const measure = {
      alone: async () => rates.alone.push(1e9 / (await flood(null, seconds * 1000)).ns_per_frame),
      watched: () => watched("watched", "2%"),
      counted: async () => {
        const records = await watched("counted", "100%");
        believed.push(median(records.slice(1, -1).map((one) => one.overhead.share)));
      },
    };
    for (let pair = 1; pair <= pairs; pair++) {
      const order = shuffle(["alone", "watched", "counted"]);
      for (const side of order) await measure[side]();
      const last = (side) => rates[side].at(-1).toFixed(0);
      say(
        `pair ${pair} of ${pairs}: ${last("alone")} frames per second of CPU time alone, ${last("watched")} watched, ${last("counted")} with all counted`,
      );
    }
    const ratioOf = (side) => {
      const { ratio, ci, method } = ratioOfPairs(rates[side], rates.alone, seed);
      return [
        ratio,
        `${ratio.toFixed(3)} (${ci.map((end) => end.toFixed(3)).join(" to ")}; ${method})`,
      ];
    };
    say(
      `flooding throughput (frames per second of CPU time) watched / alone, at the default --max-overhead: ${ratioOf("watched")[1]}; target: 0.97 or more`,
    );
    const [slowed, text] = ratioOf("counted");
    say(
      `with all counted / alone: ${text}, so counting takes ${((1 - slowed) * 100).toFixed(0)} % of the sender's CPU; the guard believed ${(median(believed) * 100).toFixed(0)} %`,
    );
  } finally {
    await lab.close();
  }
  return 0;
});

/** A `watch` of the lab's bridge, once its probes are attached. */
async function watch(lab, args) {
  const netns = `/proc/${process.pid}/fd/${lab.bridge.namespace.fd}`;
  const words = [inRoot("dist", "cli", "main.js"), "watch", "--netns", netns, "--json", ...args];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const records = [];
  createInterface({ input: child.stdout }).on("line", (line) => records.push(JSON.parse(line)));
  const ended = once(child, "close");
  while (records.length === 0 && child.exitCode === null) await sleep(20);
  return {
    pid: child.pid,
    records,
    end: async () => {
      child.kill("SIGINT");
      await ended;
    },
  };
}

async function exact(lab, flood, overhead) {
  const watching = await watch(lab, ["--interval", "1s", "--max-overhead", overhead]);
  await flood();
  await sleep(1500);
  await watching.end();
  const { records } = watching;
  const sum = (of) => records.reduce((all, one) => all + of(one), 0);
  const ports = (of) => sum((one) => one.ports.reduce((all, port) => all + (of(port) ?? 0), 0));
  const most = Math.max(...records.map((one) => all(one, ({ copies }) => copies) / one.seconds));
  const off = (probes, counters) =>
    `${probes} by the probes, ${counters} by the interfaces, ${(((probes - counters) / counters) * 100).toFixed(4)} % apart`;
  say(`at ${most.toFixed(0)} copies/s and --max-overhead ${overhead}:`);
  say(
    `  in: ${off(
      ports(({ ingress }) => ingress),
      ports(({ counters }) => counters.rx),
    )}`,
  );
  say(
    `  out: ${off(
      ports(({ egress, originated, name }) => egress - (name === "host" ? originated : 0)),
      ports(({ counters }) => counters.tx + counters.txDropped),
    )}; target: 0.1 %`,
  );
  say(`  ${sum(({ lost }) => lost)} events lost; target: none`);
  const share = Math.max(...records.map(({ overhead: { share: one } }) => one ?? 0));
  say(
    `  the probes took up to ${(share * 100).toFixed(1)} % of a CPU; notes: ${records.flatMap(({ notes }) => notes).length}`,
  );
}

function all(record, of) {
  return record.ports.reduce((sum, port) => sum + (of(port) ?? 0), 0);
}
