import type { MetricName } from "../../document/run.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import { macAddress } from "../../setup/mac.ts";
import { SWITCH } from "../../setup/plan.ts";
import { readCounters } from "../../system/counters.ts";
import { ToolError, UsageError } from "../../system/errors.ts";
import { setThreadCpus, threadCpus } from "../../system/libc.ts";
import { FrameTrain, openPacketSocket, type PacketSocket } from "../../system/packet-socket.ts";
import { SMALLEST_FRAME, testFrame } from "../load/frames.ts";
import { saturate } from "../load/saturate.ts";
import { quiet } from "../quiet.ts";
import type { Driver, Parameter, RoundResult, Workload, WorkloadContext } from "./workload.ts";

const TRAIN = 64;
/** Copies that one system call may set off, so that a flood on many ports still leaves us the CPU. */
const COPIES_A_CALL = 4096;
const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** 22 bits of made-up addresses: see mac.ts. */
const ADDRESS_SPACE = 1 << 22;
/** The made-up address that no host has. */
const NOBODY = ADDRESS_SPACE - 1;

/** New source addresses a round of `learn`. */
const ADDRESSES: Parameter = {
  name: "addresses",
  default: 8192,
  min: 1,
  // Every frame is built before the round: memory is the bound here, not the FDB.
  max: () => 1 << 16,
};

const DEFAULT_MTU = 1500;
const HEADER = 14;

/** Bytes of the frame without its FCS. */
const FRAME: Parameter = {
  name: "frameSize",
  default: SMALLEST_FRAME,
  min: SMALLEST_FRAME,
  max: (topology) => (topology.mtu ?? DEFAULT_MTU) + HEADER,
};

interface Pattern {
  name: string;
  summary: string;
  topologies: Workload["topologies"];
  destination(lab: BuiltLab): string;
  /** Copies that one frame becomes, on a lab whose ports all forward. */
  copies(lab: BuiltLab): number;
}

export const forward = rawWorkload({
  name: "forward",
  summary:
    "Small frames to a known address from one pinned, saturated sender (packet socket, no queueing discipline)",
  topologies: ["veth", "bridge"],
  destination: (lab) => lab.hosts[1]?.mac ?? BROADCAST,
  copies: () => 1,
});

export const flood = rawWorkload({
  name: "flood",
  summary: "Small frames to an address that nobody has, from one pinned, saturated sender",
  topologies: ["bridge"],
  destination: (lab) => macAddress(lab.id, "sender", NOBODY),
  copies: (lab) => lab.hosts.length - 1,
});

export const broadcast = rawWorkload({
  name: "broadcast",
  summary: "Small broadcast frames from one pinned, saturated sender (RFC 2889, 5.10)",
  topologies: ["bridge"],
  destination: () => BROADCAST,
  copies: (lab) => lab.hosts.length - 1,
});

function rawWorkload(pattern: Pattern): Workload {
  return {
    name: pattern.name,
    summary: pattern.summary,
    topologies: pattern.topologies,
    bypassesQdisc: true,
    keepsEachRtt: false,
    minimumRoundNs: 10e6,
    sampleOneIn: 16,
    parameters: [FRAME],
    prepare: async (context) => {
      const { sender, size, cpu, socket } = open(context);
      await prime(context);
      const copies = pattern.copies(context.lab);
      const burst = Math.max(1, Math.min(TRAIN, Math.floor(COPIES_A_CALL / Math.max(1, copies))));
      const frame = testFrame(pattern.destination(context.lab), sender.mac, size);
      const train = new FrameTrain(Array.from({ length: burst }, () => frame));
      return {
        describe: () => ({ name: pattern.name, frameSize: size, burst, engine: "sendmmsg" }),
        placement: () => [{ thread: "sender", cpus: pinnedTo(cpu) }],
        round: (durationNs) =>
          measure(context, copies, () =>
            saturate(socket.fd, () => train, { durationNs }, cpu, context.signal),
          ),
        close: async () => socket.close(),
      } satisfies Driver;
    },
  };
}

export const learn: Workload = {
  name: "learn",
  summary: `Frames from ${ADDRESSES.default} new source addresses to a known address, whatever --duration says; the FDB is flushed between rounds`,
  topologies: ["bridge"],
  bypassesQdisc: true,
  keepsEachRtt: false,
  minimumRoundNs: 10e6,
  sampleOneIn: 1,
  parameters: [FRAME, ADDRESSES],
  prepare: async (context) => {
    const { size, cpu, socket } = open(context);
    const { lab, options } = context;
    const addresses = options.addresses ?? ADDRESSES.default;
    const destination = lab.hosts[1]?.mac ?? BROADCAST;
    let next = 0;
    return {
      describe: () => ({
        name: "learn",
        frameSize: size,
        addresses,
        engine: "sendmmsg",
      }),
      placement: () => [{ thread: "sender", cpus: pinnedTo(cpu) }],
      round: async () => {
        await flushFdb(lab);
        await prime(context);
        const trains = newAddressTrains(lab, destination, size, { first: next, count: addresses });
        next = (next + addresses) % (ADDRESS_SPACE - addresses);
        const before = await countLearned(lab);
        let at = 0;
        const result = await measure(context, 1, () =>
          saturate(
            socket.fd,
            () => trains[at++] ?? new FrameTrain([]),
            { durationNs: Number.POSITIVE_INFINITY, trains: trains.length },
            cpu,
            context.signal,
          ),
        );
        const learned = (await countLearned(lab)) - before;
        return {
          ...result,
          metrics: { ...result.metrics, learning_rate: (learned / result.elapsedNs) * 1e9 },
        };
      },
      close: async () => socket.close(),
    };
  },
};

function newAddressTrains(
  lab: BuiltLab,
  destination: string,
  size: number,
  { first, count }: { first: number; count: number },
): FrameTrain[] {
  const frames = Array.from({ length: count }, (_, index) =>
    testFrame(destination, macAddress(lab.id, "sender", first + index), size),
  );
  return Array.from(
    { length: Math.ceil(count / TRAIN) },
    (_, group) => new FrameTrain(frames.slice(group * TRAIN, (group + 1) * TRAIN)),
  );
}

function open(context: WorkloadContext) {
  const sender = context.lab.hosts[0];
  if (sender === undefined) throw new UsageError("the lab has no hosts");
  const size = context.options.frameSize ?? FRAME.default;
  const cpu = context.cpus[0] ?? 0;
  const socket = openPacketSocket(sender.namespace, sender.ifindex, { bypassQdisc: true });
  return { sender, size, cpu, socket };
}

/** Receiver and sender speak once to each other, so that the bridge knows where both are. */
async function prime({ lab }: WorkloadContext): Promise<void> {
  const [sender, receiver] = lab.hosts;
  if (sender === undefined || receiver === undefined) return;
  for (const [from, to] of [
    [receiver, sender],
    [sender, receiver],
  ] as const) {
    const socket: PacketSocket = openPacketSocket(from.namespace, from.ifindex);
    try {
      socket.send(testFrame(to.mac, from.mac, SMALLEST_FRAME));
    } finally {
      socket.close();
    }
  }
}

/** Runs the sender and sets what arrived, by the receiving ends' counters, beside what was sent. */
async function measure(
  context: WorkloadContext,
  copies: number,
  send: () => ReturnType<typeof saturate>,
): Promise<RoundResult & { elapsedNs: number }> {
  const before = delivered(context.lab);
  const { frames, elapsedNs, leastNsPerFrame, cpuNs, cpu } = await send();
  if (frames === 0)
    throw new ToolError("sendmmsg", "the kernel took none of the frames in this round");
  await quiet(context.lab, context.signal);
  const arrived = delivered(context.lab) - before;
  const metrics: Partial<Record<MetricName, number>> = {
    ns_per_frame: cpuNs / frames,
    frame_rate: (frames / elapsedNs) * 1e9,
    copy_rate: (arrived / elapsedNs) * 1e9,
    frame_loss: Math.max(0, 1 - arrived / (frames * copies)),
  };
  return { metrics, cpu, elapsedNs, leastNsPerFrame };
}

/** Frames that the first host did not send but the others received, the bridge's host side aside. */
function delivered(lab: BuiltLab): number {
  if (lab.bridge === null) {
    const to = lab.hosts[1];
    return to === undefined ? 0 : (readCounters(to.namespace).get(to.device)?.rx ?? 0);
  }
  const ports = new Set(lab.hosts.slice(1).map((host) => host.port?.name));
  let frames = 0;
  for (const [name, counters] of readCounters(lab.bridge.namespace)) {
    if (ports.has(name)) frames += counters.tx;
  }
  return frames;
}

/** Where the kernel lets the sender run once it is pinned. */
function pinnedTo(cpu: number): number[] {
  const all = threadCpus();
  try {
    setThreadCpus([cpu]);
    return threadCpus();
  } finally {
    setThreadCpus(all);
  }
}

async function flushFdb(lab: BuiltLab): Promise<void> {
  const words = ["link", "set", "dev", lab.bridge?.name ?? "", "type", "bridge", "fdb_flush"];
  await lab.site.runOk("ip", words, { namespace: lab.names.namespace(SWITCH) });
}

/** Addresses in the FDB that the bridge has learned. */
async function countLearned(lab: BuiltLab): Promise<number> {
  const namespace = lab.names.namespace(SWITCH);
  const text = await lab.site.runOk(
    "bridge",
    ["fdb", "show", "br", lab.bridge?.name ?? "", "dynamic"],
    { namespace },
  );
  return text.split("\n").filter((line) => / master /.test(line)).length;
}
