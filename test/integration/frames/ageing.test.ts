import { afterAll, beforeAll, expect, test } from "vitest";
import { SWITCH } from "../../../src/setup/plan.ts";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { createBridgeModel } from "../../model/bridge.ts";
import { hostAddress, plainConfig } from "./addresses.ts";
import { batch, readFdb } from "./kernel.ts";
import { prepare } from "./play.ts";
import { openRig, type Rig } from "./rig.ts";
import { judgeFdb, judgeFrames, judgeTotals } from "./verdict.ts";

const AGEING_MS = 2_000;
const REFRESH_MS = 200;
const DEADLINE_MS = 10_000;

let rig: Rig;
beforeAll(async () => {
  setThreadCpus(threadCpus().slice(0, 1));
  rig = await openRig();
});
afterAll(() => rig?.close());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("an entry that the worker takes away is aged, one that a person takes away is removed", async () => {
  const host = (index: number) => hostAddress(rig.lab, index);
  const config = plainConfig(rig.lab, {
    ageingTimeMs: AGEING_MS,
    staticEntries: [{ address: host(9), port: "p1" }],
  });
  await prepare(rig, config);
  const model = createBridgeModel(config);
  let [now, learned] = [performance.now(), 0];
  const pass = () => {
    const before = now;
    now = performance.now();
    model.advance(now - before);
  };
  const speak = (index: number) => {
    const port = `p${index}`;
    const frame = { source: host(index), destination: host(7) };
    const outcome = model.receive(port, frame);
    learned += Number(outcome.learned);
    rig.send(port, frame.source, frame.destination, outcome, { kind: "frame", port, ...frame });
  };

  for (const index of [1, 2, 3, 4, 5]) speak(index);
  await rig.settle();
  const deadline = now + DEADLINE_MS;
  const settled = async () => (await readFdb(rig.lab)).filter(({ permanent }) => !permanent);
  while ((await settled()).length > 1 && now < deadline) {
    await pause(REFRESH_MS);
    pass();
    speak(5);
    await rig.settle();
  }
  expect(model.entries().filter(({ permanent }) => !permanent)).toMatchObject([
    { address: host(5), port: "p5" },
  ]);
  expect(await judgeFdb(rig, model)).toEqual([]);
  rig.aged = learned - 1;
  expect(rig.aged).toBe(4);

  await batch(rig.lab, "bridge", [
    `fdb del ${host(5)} dev p5 master`,
    `fdb del ${host(9)} dev p1 master`,
  ]);
  rig.removed += 2;
  expect(judgeFrames(rig, rig.sent, [])).toEqual([]);
  expect(judgeTotals(rig, await rig.finish())).toEqual([]);
});

test("the mirror forgets with the bridge: a frame to an aged address is unknown again", async () => {
  await rig.close();
  rig = await openRig();
  const config = plainConfig(rig.lab, { ageingTimeMs: 500 });
  await prepare(rig, config);
  const model = createBridgeModel(config);
  const [source, destination] = [hostAddress(rig.lab, 1), hostAddress(rig.lab, 2)];
  const say = (port: string, from: string, to: string) => {
    const outcome = model.receive(port, { source: from, destination: to });
    rig.send(port, from, to, outcome, { kind: "frame", port, source: from, destination: to });
    return outcome.decision;
  };
  expect(say("p1", source, destination)).toBe("unknownUnicast");
  expect(say("p2", destination, source)).toBe("knownUnicast");
  await rig.settle();
  while ((await readFdb(rig.lab)).some(({ permanent }) => !permanent)) await pause(100);
  model.advance(1_000);
  expect(say("p1", source, destination)).toBe("unknownUnicast");
  await rig.settle();
  expect(judgeFrames(rig, rig.sent, [])).toEqual([]);
  rig.aged = 2;
  await rig.lab.site.runOk("ip", ["link", "set", "dev", "br0", "type", "bridge", "fdb_flush"], {
    namespace: SWITCH,
  });
  rig.removed = 1;
  expect(judgeTotals(rig, await rig.finish())).toEqual([]);
});
