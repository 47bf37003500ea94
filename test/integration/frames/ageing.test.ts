import { afterAll, beforeAll, expect, test } from "vitest";
import { SWITCH } from "../../../src/setup/plan.ts";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { createBridgeModel } from "../../model/bridge.ts";
import { hostAddress, plainConfig } from "./addresses.ts";
import { playAgeing } from "./ageing.ts";
import { readFdb } from "./kernel.ts";
import { prepare } from "./play.ts";
import { openRig, PORTS, type Rig } from "./rig.ts";
import { judgeFrames, judgeTotals } from "./verdict.ts";

const AGEING_MS = 2_000;

let rig: Rig;
beforeAll(async () => {
  setThreadCpus(threadCpus().slice(0, 1));
  rig = await openRig();
});
afterAll(() => rig?.close());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("an entry that the worker takes away is aged, one that a person takes away is removed", async () => {
  expect(await playAgeing(rig, AGEING_MS)).toEqual([]);
  expect(rig.aged).toBe(PORTS - 1);
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
