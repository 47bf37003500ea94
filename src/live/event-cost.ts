/** What an event costs beside the run time of its programs, which is all that the kernel's BPF statistics tell. */
import type { BackendName } from "../probes/backend.ts";
import type { ProbeMaps } from "../probes/maps.ts";
import { close, enableBpfStatistics, threadCpuTimeNs } from "../system/libc.ts";
import { openRouteSocket } from "../system/netlink.ts";
import {
  closeNamespace,
  type NetworkNamespace,
  newNamespace,
  writeSysctl,
} from "../system/netns.ts";
import { FrameTrain, openPacketSocket } from "../system/packet-socket.ts";
import { type RouteRequest, writeRequest } from "../system/rtnetlink.ts";
import type { Hooks } from "./hooks.ts";
import { deviceKey } from "./program-keys.ts";

/**
 * A call of a function costs so much besides, in nanoseconds: the trampoline of fentry and the trap of a kprobe, as
 * published for both (KERNEL's own selftest `bench trig-*`: some 7.5 and 18), doubled for what is not in a cache.
 */
const OF_FUNCTIONS = { fentry: 15, kprobe: 40 } as const;

/** Nanoseconds per event. */
export interface EventCost {
  /** Beside the run time of its programs, as the kernel's BPF statistics have that. */
  besidesNs: number;
  /** Altogether, of a frame that no bridge handles. */
  unrelatedNs: number;
}

/** Frames of a train, and trains whose median counts. */
const FRAMES = 64;
const TRAINS = 40;
const FRAME_BYTES = 60;
/** IEEE 802's for local experiments: nobody takes the frame. */
const ETHERTYPE = 0x88b5;
const LOOPBACK = 1;
const BRIDGE = "b";
const PORTS = ["p1", "p2", "p3", "p4"];
/** As large as a program lets numbers of bridges be, so that it is nobody's. */
const NUMBER = 15n;

/**
 * Of tracepoints it is measured, on frames that are flooded through a bridge in a namespace of our own, without the
 * programs and with them: the envelope around a program costs what it costs on this machine, and most where the caches
 * are busy with a frame's copies. Takes some 100 ms; the maps are empty afterwards.
 */
export function measureEventCost(hooks: Hooks, maps: ProbeMaps, backend: BackendName): EventCost {
  if (backend !== "tracepoint") return { besidesNs: OF_FUNCTIONS[backend], unrelatedNs: 0 };
  const namespace = newNamespace("calibration");
  try {
    const lan = build(namespace);
    maps.set(
      "ports",
      lan.devices.map((ifindex, index) => [
        [deviceKey(namespace.inode, ifindex)],
        (BigInt(index + 1) << 24n) | (NUMBER << 16n),
      ]),
    );
    const unrelated = sender(namespace, LOOPBACK);
    const flood = sender(namespace, lan.host);
    try {
      const [lone, alone] = [unrelated.frameNs(), flood.frameNs()];
      hooks.attach();
      const [lonely, probed] = [unrelated.frameNs(), flood.frameNs()];
      const unrelatedNs = Math.max(0, (lonely - lone) / EVENTS_OF_LOOPBACK);
      return { besidesNs: besides(hooks, flood, probed - alone), unrelatedNs };
    } finally {
      hooks.detach();
      unrelated.close();
      flood.close();
    }
  } finally {
    closeNamespace(namespace);
    maps.clearAll();
  }
}

/** net_dev_queue, netif_receive_skb and napi_poll, and kfree_skb, since nobody takes the frame. */
const EVENTS_OF_LOOPBACK = 4;

/** A bridge whose ports have their other ends beside them; `host` is the first of those, `devices` the bridge and its ports. */
function build(namespace: NetworkNamespace): { host: number; devices: number[] } {
  writeSysctl(namespace, "net.ipv6.conf.all.disable_ipv6", "1");
  writeSysctl(namespace, "net.ipv6.conf.default.disable_ipv6", "1");
  const route = openRouteSocket(namespace);
  try {
    const numbers = { ifindex: route.ifindex, namespace: () => namespace.fd };
    const ask = (request: RouteRequest) =>
      route.send((train) => writeRequest(train, request, numbers));
    const address = (last: number) => `02:00:00:00:00:0${last}`;
    ask({ kind: "set", device: "lo", up: true });
    ask({ kind: "bridge", device: BRIDGE, address: address(1), mtu: null });
    PORTS.forEach((device, index) => {
      const peer = { device: `${device}h`, address: address(index + 2), namespace: null };
      ask({ kind: "veth", device, address: address(1), mtu: null, peer });
      ask({ kind: "set", device, master: BRIDGE, up: true });
      ask({ kind: "set", device: peer.device, up: true });
    });
    ask({ kind: "set", device: BRIDGE, up: true });
    return {
      host: route.ifindex(`${PORTS[0]}h`),
      devices: [BRIDGE, ...PORTS].map((device) => route.ifindex(device)),
    };
  } finally {
    route.close();
  }
}

/** Sends frames for an address that nobody has out of a device. */
function sender(namespace: NetworkNamespace, ifindex: number) {
  const frames = Buffer.alloc(FRAMES * FRAME_BYTES);
  for (let at = 0; at < frames.length; at += FRAME_BYTES) {
    frames.writeUIntBE(0x02_00_00_00_99_99, at, 6);
    frames.writeUIntBE(0x02_00_00_00_00_02, at + 6, 6);
    frames.writeUInt16BE(ETHERTYPE, at + 12);
  }
  const train = new FrameTrain(frames, FRAME_BYTES);
  const socket = openPacketSocket(namespace, ifindex);
  return {
    /** Nanoseconds of CPU time per frame: of the median train, once it is warm. */
    frameNs: () => {
      const trains = Array.from({ length: TRAINS }, () => {
        const before = threadCpuTimeNs();
        train.send(socket.fd, 0, FRAMES);
        return (threadCpuTimeNs() - before) / FRAMES;
      });
      return trains.sort((a, b) => a - b)[TRAINS / 2] ?? 0;
    },
    close: () => socket.close(),
  };
}

/** Of the `moreNs` that a frame takes, those per event that the statistics do not have. */
function besides(hooks: Hooks, flood: ReturnType<typeof sender>, moreNs: number): number {
  const statistics = enableBpfStatistics();
  try {
    const before = hooks.spent();
    flood.frameNs();
    const after = hooks.spent();
    const frames = FRAMES * TRAINS;
    const events = (after.events - before.events) / frames;
    const runNs = (after.runTimeNs - before.runTimeNs) / frames;
    return Math.max(0, (moreNs - runNs) / Math.max(1, events));
  } finally {
    close(statistics);
  }
}
