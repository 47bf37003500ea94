import { once } from "node:events";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { openPacketSocket } from "../../../src/system/packet-socket.ts";
import { arbitraryScenario } from "../../model/arbitrary.ts";
import { type BridgeModel, createBridgeModel, HOST, type PortId } from "../../model/bridge.ts";
import { cannot } from "../../skipped.ts";
import { hostAddress, plainConfig, prefixOf } from "./addresses.ts";
import { play, prepare } from "./play.ts";
import { openRig, PORTS, type Rig } from "./rig.ts";
import { judgeCounters, judgeFrames, judgeStrangers, judgeTotals } from "./verdict.ts";

const FRAMES = 1_500;
const SCENARIOS = 15;
const ETH_P_ALL = 3;

const cpus = threadCpus();
let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  setThreadCpus(cpus);
  await rig?.close();
});

interface Draft {
  ingress: PortId;
  isFresh: boolean;
  destination: string;
}

/** Frames whose fate does not hang on their order: nobody moves, and no new source is a destination. */
function arbitraryDraft(): fc.Arbitrary<Draft> {
  const { lab, bridge } = rig;
  const ports = Array.from({ length: PORTS }, (_, index) => `p${index + 1}`);
  return fc.record({
    ingress: fc.constantFrom(...ports, HOST),
    isFresh: fc.boolean(),
    destination: fc.constantFrom(
      ...[1, 2, 3, 4, 5, 6, 7].map((index) => hostAddress(lab, index)),
      ...[bridge.mac, "ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03", "01:80:c2:00:00:0e"],
    ),
  });
}

function sourceOf({ ingress, isFresh }: Draft, index: number): string {
  if (ingress === HOST) return rig.bridge.mac;
  const low = [index >> 8, index & 255].map((byte) => byte.toString(16).padStart(2, "0"));
  return isFresh
    ? `${prefixOf(rig.lab)}:0b:${low.join(":")}`
    : hostAddress(rig.lab, Number(ingress.slice(1)));
}

function speakUp(model: BridgeModel): void {
  for (let index = 1; index <= PORTS; index++) {
    const [port, source] = [`p${index}`, hostAddress(rig.lab, index)];
    const frame = { source, destination: rig.bridge.mac };
    rig.send(port, source, frame.destination, model.receive(port, frame), {
      kind: "frame",
      port,
      ...frame,
    });
  }
}

/** Sends each list from a thread and a CPU of its own, all at the same time. */
async function sendAtOnce(lists: { fd: number; bytes: Buffer }[][]): Promise<number> {
  const gate = new SharedArrayBuffer(4);
  const refused = lists.map(async (frames, index) => {
    const workerData = { cpu: cpus[index], gate, senders: lists.length, frames };
    const worker = new Worker(new URL("./sender.mjs", import.meta.url), { workerData });
    const [count] = await once(worker, "message");
    await worker.terminate();
    return Number(count);
  });
  return (await Promise.all(refused)).reduce((sum, count) => sum + count, 0);
}

const alone = cannot("frames on all CPUs at once", cpus.length < 2 ? "here is one CPU" : null);

test.skipIf(alone)("frames on all CPUs at once: each keeps its own account", async () => {
  const plain = plainConfig(rig.lab, { promiscuous: true });
  const isolated = { isolated: true };
  const config = {
    ...plain,
    ports: Object.fromEntries(
      Object.entries(plain.ports).map(([id, port]) => [
        id,
        id === "p1" || id === "p2" ? { ...port, ...isolated } : port,
      ]),
    ),
  };
  await prepare(rig, config);
  const model = createBridgeModel(config);
  setThreadCpus(cpus.slice(0, 1));
  speakUp(model);
  await rig.settle();
  setThreadCpus(cpus);
  const lists = cpus.map((): { fd: number; bytes: Buffer }[] => []);
  fc.sample(arbitraryDraft(), { seed: 11, numRuns: FRAMES }).forEach((draft, index) => {
    const { ingress, destination } = draft;
    const source = sourceOf(draft, index);
    const outcome =
      ingress === HOST
        ? model.transmit({ source, destination })
        : model.receive(ingress, { source, destination });
    const bytes = rig.book(ingress, source, destination, outcome);
    lists[index % lists.length]?.push({ fd: rig.wire.socket(ingress).fd, bytes });
  });
  expect(await sendAtOnce(lists)).toBe(0);
  for (const cpu of cpus) {
    setThreadCpus([cpu]);
    await rig.settle();
  }
  expect([...judgeFrames(rig, rig.sent, []), ...judgeStrangers(rig)]).toEqual([]);
  expect(await judgeCounters(rig)).toEqual([]);
  expect(judgeTotals(rig, await rig.finish())).toEqual([]);
});

test("with a tap on every port and on the bridge, which makes clones of every frame", async () => {
  setThreadCpus(cpus.slice(0, 1));
  const taps = rig.ports.map((ifindex) =>
    openPacketSocket(rig.bridge.namespace, ifindex, { etherType: ETH_P_ALL }),
  );
  try {
    const arbitrary = arbitraryScenario({ ports: PORTS, macPrefix: prefixOf(rig.lab) });
    for (const scenario of fc.sample(arbitrary, { seed: 12, numRuns: SCENARIOS })) {
      expect(await play(rig, scenario)).toEqual([]);
    }
  } finally {
    for (const tap of taps) tap.close();
  }
  expect(judgeTotals(rig, await rig.finish())).toEqual([]);
});
