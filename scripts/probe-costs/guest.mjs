// Runs in a guest whose clock counts instructions, from /opt/bridgescope: measures each probe program on the same
// frames, and prints what it found as JSON.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const DIST = path.join(import.meta.dirname, "dist");
const from = (...parts) => import(path.join(DIST, ...parts));
const { chooseBackend } = await from("probes", "backend.js");
const { NONCE, startProbes } = await from("probes", "bpftrace.js");
const { EMPTY, programText } = await from("probes", "programs.js");
const { workloadNamed } = await from("bench", "workloads", "index.js");
const { buildPrivateLab } = await from("setup", "lab.js");
const { resolveTopology } = await from("setup", "file.js");
const { waitUntilReady } = await from("setup", "ready.js");
const { close, enableBpfStatistics, threadCpus } = await from("system", "libc.js");
const { macInteger } = await from("text", "mac-address.js");
const { instructionsPerFrame } = await from("bench", "observe", "stage-counts.js");

const { frames, roundNs } = JSON.parse(process.argv[2]);
const { signal } = new AbortController();
const MAP_KEYS = 4096;
/** Of a program that hardly ran: its mean says nothing. */
const ENOUGH_EVENTS = 50;
/** Whose trains end before the next begins: of a flood's, one's copies are received in the time of another. */
const WHOLE_TRAINS = "forward";

const costs = [];
for (const [workload, topology] of Object.entries(frames)) {
  const lab = await buildPrivateLab(resolveTopology(topology), { signal });
  await waitUntilReady(lab, signal);
  const options = {};
  const driver = await workloadNamed(workload).prepare({
    ...{ lab, options, signal },
    cpus: threadCpus(),
  });
  const perFrame = async () => {
    const { trainNsPerFrame, metrics } = await driver.round(roundNs);
    return instructionsPerFrame(trainNsPerFrame ?? []) ?? metrics.ns_per_frame;
  };
  await perFrame();
  const alone = await perFrame();
  const nothing = await measure(lab, EMPTY, "tracepoint", perFrame);
  const [empty] = nothing.programs;
  for (const file of programs()) {
    if (file === EMPTY) continue;
    const functions = /^(fentry|fexit):/m.test(
      readFileSync(path.join(DIST, "probes", file), "utf8"),
    );
    for (const backend of functions ? ["fentry", "kprobe"] : ["tracepoint"]) {
      process.stderr.write(`${file}, ${backend}, ${workload} on ${topology}\n`);
      const found = await measure(lab, file, backend, perFrame);
      costs.push({
        ...{ file, backend, workload, topology },
        perFrame: workload === WHOLE_TRAINS ? Math.round(found.perFrame - alone) : null,
        programs: found.programs.map(({ name, events, gross }) => ({
          name,
          events,
          instructions: Math.max(0, Math.round(gross - empty.gross)),
        })),
      });
    }
  }
  costs.push({
    ...{ file: EMPTY, backend: "tracepoint", workload, topology },
    perFrame: workload === WHOLE_TRAINS ? Math.round(nothing.perFrame - alone) : null,
    programs: [{ name: empty.name, events: empty.events, instructions: 0 }],
  });
  await driver.close();
  await lab.close();
}
process.stdout.write(JSON.stringify(costs));

function programs() {
  return readdirSync(path.join(DIST, "probes"), { recursive: true })
    .filter((file) => file.endsWith(".bt"))
    .sort();
}

/** What a frame takes with the program attached, and what its events take by the kernel's own statistics. */
async function measure(lab, file, backendName, perFrame) {
  const backend = await chooseBackend(backendName);
  const program = programText(file, backend);
  const parameters = parametersOf(program.text, lab);
  const session = await startProbes(
    lab.site,
    { ...program, parameters, mapKeys: MAP_KEYS },
    signal,
  );
  try {
    // Programs that wait to be switched on are, and those that do not take no notice.
    session.round(1);
    await perFrame();
    const frame = await perFrame();
    const before = new Map((await session.statistics()).map((one) => [one.id, one]));
    const statistics = enableBpfStatistics();
    await perFrame();
    close(statistics);
    const ran = (await session.statistics()).map((one) => {
      const { runs = 0, runTimeNs = 0 } = before.get(one.id) ?? {};
      return { name: one.name, events: one.runs - runs, ns: one.runTimeNs - runTimeNs };
    });
    return {
      perFrame: frame,
      programs: ran
        .filter(({ name, events }) => events >= ENOUGH_EVENTS && !name.startsWith("syscalls:"))
        .map(({ name, events, ns }) => ({ name, events, gross: ns / events })),
    };
  } finally {
    await session.kill();
  }
}

/** The parameters as a program's header names them behind "By hand"; what is not named here is off. */
function parametersOf(text, lab) {
  const [, names = ""] = /\bbpftrace [\w/]+\.bt((?: [A-Z_]+)*)/.exec(text) ?? [];
  const [one, two = one] = lab.hosts.map(({ namespace }) => String(namespace.inode));
  const values = {
    ...{ NONCE, NS_INUM: String(lab.bridge.namespace.inode), NS_INUM_A: one, NS_INUM_B: two },
    ...{ SENDER_INUM: one, ARRIVAL_INUM: "0", BRIDGE_MAC: String(macInteger(lab.bridge.mac)) },
    ...{ BY_WAY: "1", PER_PORT: "1", PATH: "1" },
  };
  return names
    .split(" ")
    .slice(1)
    .map((name) => values[name] ?? "0");
}
