import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { inRoot } from "../lib/repository.mjs";
import {
  buildPrivateLab,
  finish,
  hostSite,
  openPrivateSite,
  resolveTopology,
  startChild,
} from "./compiled.mjs";
import { MININET_STOPS, mininetSeconds } from "./output.mjs";
import { toEnd, withItsChildren } from "./tools.mjs";

const HOSTS = 200;
const LAB = `bridge:${HOSTS}`;
/** Mininet takes 12 s for 200 hosts on an idle machine, and a multiple on a busy one. */
const USUAL_MS = 120_000;
/** A namespace that is gone for its user still costs the kernel time: 200 of them about 0.3 s. */
const REST_MS = 1_000;

export const mininetBuild = labs({
  name: "lab-mininet-build",
  what: `lab of ${HOSTS} hosts, building alone`,
  peerName: "mn",
  target: { atLeast: 40 },
  ours: async (context) => (await ourCommands(context)).upMs,
  peer: async (context) => (await mininet(context)).buildMs,
});

export const mininetWhole = labs({
  name: "lab-mininet-whole",
  what: `lab of ${HOSTS} hosts, built and removed`,
  peerName: "mn",
  target: { atLeast: 40 },
  ours: async (context) => {
    const { upMs, downMs } = await ourCommands(context);
    return upMs + downMs;
  },
  peer: async (context) => (await mininet(context)).wholeMs,
});

export const ipBatchInProcess = labs({
  name: "lab-ip-batch-in-process",
  what: `lab of ${HOSTS} hosts, as a benchmark builds it`,
  peerName: "ip -batch",
  target: { atLeast: 4 },
  ours: async ({ signal }) => {
    const lab = await buildPrivateLab(resolveTopology(LAB), { signal });
    await lab.close();
    return lab.setupNs / 1e6;
  },
  peer: ipBatch,
});

export const ipBatchWhole = labs({
  name: "lab-ip-batch-whole",
  what: `lab of ${HOSTS} hosts, the command lab up`,
  peerName: "ip -batch",
  target: { atLeast: 4 },
  ours: async (context) => (await ourCommands(context)).upMs,
  peer: ipBatch,
});

/** No comparison but the bound: what of building is the kernel's own time, which no tool can leave out. */
export const labSystemTime = labs({
  name: "lab-system-time",
  what: `lab of ${HOSTS} hosts, the kernel's part of building`,
  peerName: null,
  ours: async ({ signal }) => {
    const before = process.cpuUsage();
    const lab = await buildPrivateLab(resolveTopology(LAB), { signal });
    const { system } = process.cpuUsage(before);
    await lab.close();
    return system / 1e3;
  },
});

function labs({ ours, peer, ...about }) {
  const rested = (measure, context) => async () => {
    const ms = await measure(context);
    await sleep(REST_MS, undefined, { signal: context.signal });
    return ms;
  };
  return {
    ...about,
    unit: "ms",
    ratio: peer === undefined ? undefined : "peer/ours",
    open: async (context) => ({
      ours: rested(ours, context),
      peer: peer === undefined ? undefined : rested(peer, context),
      close: async () => {},
    }),
  };
}

/** `lab up` and `lab down` in a site of their own, so that even SIGKILL leaves nothing on the host. */
async function ourCommands({ signal }) {
  const site = await openPrivateSite();
  try {
    const env = { XDG_STATE_HOME: "/run/state" };
    const command = (...words) => [inRoot("dist", "cli", "main.js"), "lab", ...words];
    const run = (args) =>
      elapsedMs(() => toEnd(site, process.execPath, args, { signal, env, usualMs: USUAL_MS }));
    const upMs = await run(command("up", LAB, "--name", "peers"));
    const downMs = await run(command("down", "peers"));
    return { upMs, downMs };
  } finally {
    await site.close();
  }
}

// mn would write limits of the whole machine into /proc/sys.
const MININET = `mount -o bind,ro /proc/sys /proc/sys &&
exec mn --switch lxbr --topo single,${HOSTS} --controller none --test none`;

/** Mininet in namespaces of its own for network, mounts and processes: it touches nothing of the host's. */
async function mininet({ signal }) {
  const [tool, args] = withItsChildren("--net", "sh", "-c", MININET);
  const started = performance.now();
  const child = startChild(hostSite, tool, args);
  let text = "";
  let buildMs = null;
  const listen = (data) => {
    text += String(data);
    if (buildMs === null && text.includes(MININET_STOPS)) buildMs = performance.now() - started;
  };
  child.process.stdout?.on("data", listen);
  child.process.stderr?.on("data", listen);
  await finish(child, USUAL_MS, signal);
  const wholeMs = performance.now() - started;
  // Throws unless it came to its end; its own figure leaves out Python's start.
  mininetSeconds(text);
  return { buildMs, wholeMs };
}

const lines = (each) => Array.from({ length: HOSTS }, (_, index) => each(index + 1)).join("\n");

const NAMESPACES = `netns add sw\n${lines((n) => `netns add h${n}`)}\n`;

const SWITCH = `link add br0 type bridge
${lines((n) => `link add p${n} type veth peer name eth0 netns h${n}\nlink set p${n} master br0 up`)}
link set br0 up
`;

const hostOf = (n) => `link set lo up
address add 198.18.${n >> 8}.${n & 255}/15 dev eth0
link set eth0 up
`;

/** One batch for all namespaces, one for the switch, and one for each host: ip enters one namespace a process. */
const SCRIPT = `set -e
cd /run/batch
ip -batch namespaces
ip -n sw -batch switch
for n in $(seq ${HOSTS}); do ip -n h$n -batch h$n; done
`;

/** The same lab from ip -batch, as a person would write it who knows that the bridge comes up last. */
async function ipBatch({ signal }) {
  const site = await openPrivateSite();
  try {
    await toEnd(site, "mkdir", ["/run/batch"], { signal });
    const put = (file, text) => writeFileSync(`${site.root}/run/batch/${file}`, text);
    put("namespaces", NAMESPACES);
    put("switch", SWITCH);
    for (let n = 1; n <= HOSTS; n++) put(`h${n}`, hostOf(n));
    return await elapsedMs(() => toEnd(site, "sh", ["-c", SCRIPT], { signal, usualMs: USUAL_MS }));
  } finally {
    await site.close();
  }
}

async function elapsedMs(body) {
  const started = performance.now();
  await body();
  return performance.now() - started;
}
