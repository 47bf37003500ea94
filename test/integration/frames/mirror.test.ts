import { afterAll, beforeAll, expect, test } from "vitest";
import { macInteger } from "../../../src/text/mac-address.ts";
import { createBridgeModel } from "../../model/bridge.ts";
import { hostAddress, plainConfig } from "./addresses.ts";
import { prepare } from "./play.ts";
import { openRig, type Rig } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig?.close());

test("seeding the mirror leaves alone what the program has seen itself", async () => {
  const config = plainConfig(rig.lab);
  await prepare(rig, config);
  const model = createBridgeModel(config);
  const [seen, listed] = [hostAddress(rig.lab, 1), hostAddress(rig.lab, 2)];
  const frame = { source: seen, destination: listed };
  const step = { kind: "frame", port: "p1", ...frame } as const;
  rig.send("p1", seen, listed, model.receive("p1", frame), step);
  await rig.settle();
  // A list that was made before the frame came.
  const entry = { local: false, permanent: false };
  await rig.seed([
    { address: seen, port: "p3", ...entry },
    { address: listed, port: "p2", ...entry },
  ]);
  const [told] = await rig.finish();
  const held = (address: string) => told?.fdb.get(macInteger(address));
  expect([seen, listed].map(held).map((port) => rig.nameOf(port ?? 0))).toEqual(["p1", "p2"]);
});
