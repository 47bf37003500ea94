import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../lib/failure.mjs";
import { findCommand } from "../lib/find-command.mjs";
import { inRoot } from "../lib/repository.mjs";
import {
  addressesOf,
  hostSite,
  quiet,
  readCounters,
  startChild,
  testFrames,
  workloadNamed,
} from "./compiled.mjs";
import { trafgenFrame } from "./output.mjs";
import { toEnd, withItsChildren } from "./tools.mjs";

/**
 * From the start of a sender until it surely sends, and twice from the end of the window to its own: while our
 * sender sends, this thread has its turn only every 50 ms, and the window may end two turns late.
 */
const MARGIN_MS = 200;
const WINDOW_MS = 500;
const FRAME_BYTES = 60;

const TRAFGEN = { peerName: "trafgen", open: trafgen, target: { atLeast: 1 } };

export const rawOne = flood("raw-flood-1", 1, TRAFGEN);
export const rawTwo = flood("raw-flood-2", 2, TRAFGEN);
/** No peer but the bound: how much of the rate is the kernel's path. */
export const rawBound = flood("raw-flood-c", 1, {
  peerName: "sendmmsg in C",
  open: cLoop,
  unavailable: () => (findCommand("cc") === null ? "no C compiler (cc) is installed here" : null),
});

function flood(name, senders, peer) {
  return {
    name,
    what: `raw flood of ${FRAME_BYTES}-byte frames, ${senders} sending CPU${senders > 1 ? "s" : ""}`,
    peerName: peer.peerName,
    unavailable: peer.unavailable,
    target: peer.target,
    unit: "kframes/s",
    // A frame to nobody makes two copies.
    topology: "bridge:3",
    ratio: "ours/peer",
    open: async (context) => {
      const { lab, cpus, signal } = context;
      const options = { senders, frameSize: FRAME_BYTES };
      const driver = await workloadNamed("flood").prepare({ lab, options, cpus, signal });
      const start = await peer.open(context);
      return {
        ours: async () => {
          const round = driver.round((3 * MARGIN_MS + WINDOW_MS) * 1e6);
          const [rate] = await Promise.all([rateOf(context, senders), round]);
          return rate;
        },
        peer: async () => {
          const running = cpus.slice(0, senders).map((cpu, host) => start(lab.hosts[host], cpu));
          try {
            return await rateOf(context, senders);
          } finally {
            await Promise.all(running.map((child) => child.stop("SIGKILL", 1000)));
            await quiet(lab);
          }
        },
        close: driver.close,
      };
    },
  };
}

/**
 * Thousands of frames a second that come in from the first hosts, by the counters of their ports over a
 * window inside the sending: the same for every sender, whatever it says of itself.
 */
async function rateOf({ lab, signal }, senders) {
  const ports = lab.hosts.slice(0, senders).map(({ port }) => port.name);
  const read = () => {
    const counters = readCounters(lab.bridge.namespace);
    return { frames: ports.map((port) => counters.get(port).rx), at: performance.now() };
  };
  await sleep(MARGIN_MS, undefined, { signal });
  const before = read();
  await sleep(WINDOW_MS, undefined, { signal });
  const after = read();
  const frames = after.frames.map((count, port) => count - before.frames[port]);
  const silent = ports.find((_, port) => frames[port] === 0);
  if (silent !== undefined)
    throw new Failure(`a sender sends nothing: no frame came in at ${silent}`);
  return frames.reduce((sum, one) => sum + one) / (after.at - before.at);
}

/**
 * One trafgen a host, since one alone sends from one host however many CPUs it has. It pins itself: its n-th
 * process to CPU n, so it gets as many as reach the CPU, and only the one there has a frame to send.
 */
async function trafgen({ lab }) {
  return (host, cpu) => {
    const { name, device } = host;
    const file = `/run/${name}.trafgen`;
    writeFileSync(`${lab.site.root}${file}`, trafgenFrame(frameOf(lab, host), cpu));
    const words = ["-i", file, "-o", device, "-P", String(cpu + 1), "-n", "0"];
    return startChild(lab.site, ...withItsChildren("trafgen", ...words), {
      namespace: lab.names.namespace(name),
    });
  };
}

/** What the kernel takes at the most from sendmmsg: a loop that does nothing else. */
async function cLoop({ lab, signal }) {
  // The site's /run is in memory and goes with us.
  const binary = "/run/flood";
  const source = inRoot("scripts", "peers", "flood.c");
  await toEnd(hostSite, "cc", ["-O2", "-o", `${lab.site.root}${binary}`, source], { signal });
  return (host, cpu) =>
    startChild(lab.site, binary, [host.device, frameOf(lab, host).toString("hex")], {
      namespace: lab.names.namespace(host.name),
      cpus: [cpu],
    });
}

/** The frame that our own flood sends from this host. */
function frameOf(lab, host) {
  return testFrames([addressesOf(lab, lab.hosts.indexOf(host), "nobody")], FRAME_BYTES);
}
