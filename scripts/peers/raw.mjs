import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { findCommand } from "../lib/find-command.mjs";
import { inRoot } from "../lib/repository.mjs";
import {
  addressOfTarget,
  hostSite,
  quiet,
  readCounters,
  startChild,
  workloadNamed,
} from "./compiled.mjs";
import { trafgenFrame } from "./output.mjs";
import { toEnd, withItsChildren } from "./tools.mjs";

/** From the start of a sender until it surely sends, and from the end of the window to its own. */
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
          const round = driver.round((2 * MARGIN_MS + WINDOW_MS) * 1e6);
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
    const frames = ports.map((port) => counters.get(port).rx);
    return { frames: frames.reduce((sum, one) => sum + one), at: performance.now() };
  };
  await sleep(MARGIN_MS, undefined, { signal });
  const before = read();
  await sleep(WINDOW_MS, undefined, { signal });
  const after = read();
  return (after.frames - before.frames) / (after.at - before.at);
}

/** One trafgen a host, since one alone sends from one host however many CPUs it has. */
async function trafgen({ lab }) {
  const nobody = addressOfTarget(lab, "nobody");
  for (const { name, mac } of lab.hosts) {
    writeFileSync(`${lab.site.root}/run/${name}.trafgen`, trafgenFrame(nobody, mac));
  }
  return ({ name, device }, cpu) => {
    const words = ["-i", `/run/${name}.trafgen`, "-o", device, "-P", "1", "-b", String(cpu)];
    return startChild(lab.site, ...withItsChildren("trafgen", ...words, "-n", "0"), {
      namespace: lab.names.namespace(name),
      cpus: [cpu],
    });
  };
}

/** What the kernel takes at the most from sendmmsg: a loop that does nothing else. */
async function cLoop({ lab, signal }) {
  // The site's /run is in memory and goes with us.
  const binary = "/run/flood";
  const source = inRoot("scripts", "peers", "flood.c");
  await toEnd(hostSite, "cc", ["-O2", "-o", `${lab.site.root}${binary}`, source], { signal });
  const nobody = addressOfTarget(lab, "nobody");
  return ({ name, device, mac }, cpu) =>
    startChild(lab.site, binary, [device, nobody, mac], {
      namespace: lab.names.namespace(name),
      cpus: [cpu],
    });
}
