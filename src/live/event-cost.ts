/** What an event costs beside the run time of its programs, which is all that the kernel's BPF statistics tell. */
import type { BackendName } from "../probes/backend.ts";
import { close, enableBpfStatistics, threadCpuTimeNs } from "../system/libc.ts";
import { openRouteSocket } from "../system/netlink.ts";
import { closeNamespace, newNamespace } from "../system/netns.ts";
import { FrameTrain, openPacketSocket } from "../system/packet-socket.ts";
import { writeRequest } from "../system/rtnetlink.ts";
import type { Hooks } from "./hooks.ts";

/**
 * A call of a function costs so much besides, in nanoseconds: the trampoline of fentry and the trap of a kprobe, as
 * published for both (KERNEL's own selftest `bench trig-*`: some 7.5 and 18), doubled for what is not in a cache.
 */
const OF_FUNCTIONS = { fentry: 15, kprobe: 40 } as const;

/** Frames of a train, and trains whose quickest tenth counts: another's work on this CPU makes a train longer, never shorter. */
const FRAMES = 64;
const TRAINS = 60;
const FRAME_BYTES = 60;
/** IEEE 802's for local experiments: nobody takes the frame. */
const ETHERTYPE = 0x88b5;
const LOOPBACK = 1;

/**
 * Nanoseconds per event. Of tracepoints it is measured: the perf envelope around their programs costs what it costs on this
 * machine, so frames are sent through the loopback of a namespace of our own, without the programs and with them. Takes
 * some 50 ms. Frames are hot then; where they are not, an event costs more.
 */
export function measureEventCost(hooks: Hooks, backend: BackendName): number {
  if (backend !== "tracepoint") return OF_FUNCTIONS[backend];
  const namespace = newNamespace("calibration");
  try {
    const route = openRouteSocket(namespace);
    try {
      const numbers = { ifindex: () => LOOPBACK, namespace: () => namespace.fd };
      route.send((train) => writeRequest(train, { kind: "set", device: "lo", up: true }, numbers));
    } finally {
      route.close();
    }
    const frames = Buffer.alloc(FRAMES * FRAME_BYTES);
    for (let at = 0; at < frames.length; at += FRAME_BYTES)
      frames.writeUInt16BE(ETHERTYPE, at + 12);
    const train = new FrameTrain(frames, FRAME_BYTES);
    const socket = openPacketSocket(namespace, LOOPBACK);
    try {
      return besides(hooks, () => quickFrameNs(() => train.send(socket.fd, 0, FRAMES)));
    } finally {
      socket.close();
    }
  } finally {
    closeNamespace(namespace);
  }
}

function besides(hooks: Hooks, frameNs: () => number): number {
  frameNs();
  const alone = frameNs();
  hooks.attach();
  try {
    const probed = frameNs();
    const statistics = enableBpfStatistics();
    try {
      const before = hooks.spent();
      frameNs();
      const after = hooks.spent();
      const frames = FRAMES * TRAINS;
      const events = after.events - before.events;
      // Other frames of the host fire too: they weigh alike on both sides of this division.
      const runNs = (after.runTimeNs - before.runTimeNs) / Math.max(1, events);
      const perFrame = Math.max(1, Math.round(events / frames));
      return Math.max(0, (probed - alone) / perFrame - runNs);
    } finally {
      close(statistics);
    }
  } finally {
    hooks.detach();
  }
}

/** Nanoseconds of CPU time per frame, of the quickest tenth of the trains. */
function quickFrameNs(send: () => void): number {
  const trains = Array.from({ length: TRAINS }, () => {
    const before = threadCpuTimeNs();
    send();
    return (threadCpuTimeNs() - before) / FRAMES;
  });
  return trains.sort((a, b) => a - b)[Math.floor(TRAINS / 10)] ?? 0;
}
