import { createBridgeModel } from "../../model/bridge.ts";
import { hostAddress, plainConfig } from "./addresses.ts";
import { batch, readFdb } from "./kernel.ts";
import { prepare } from "./play.ts";
import { PORTS, type Rig } from "./rig.ts";
import { judgeFdb, judgeFrames } from "./verdict.ts";

/** The port whose host goes on speaking. */
const LOUD = PORTS;

/**
 * Every host speaks, and all but one fall silent until the bridge has forgotten them; then a person takes
 * away what is left. Returns all in which kernel, model and witnesses differ.
 */
export async function playAgeing(rig: Rig, ageingTimeMs: number): Promise<string[]> {
  const host = (index: number) => hostAddress(rig.lab, index);
  const fixed = host(9);
  const config = plainConfig(rig.lab, {
    ageingTimeMs,
    staticEntries: [{ address: fixed, port: "p1" }],
  });
  await prepare(rig, config);
  const model = createBridgeModel(config);
  const first = rig.sent.length;
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

  for (let index = 1; index <= PORTS; index++) speak(index);
  await rig.settle();
  const deadline = now + 5 * ageingTimeMs;
  const held = async () => (await readFdb(rig.lab)).filter(({ permanent }) => !permanent).length;
  while ((await held()) > 1 && now < deadline) {
    await new Promise((resolve) => setTimeout(resolve, ageingTimeMs / 10));
    pass();
    speak(LOUD);
    await rig.settle();
  }
  // The kernel may have forgotten the last of them since the model's clock was set.
  pass();
  const differences = await judgeFdb(rig, model);
  rig.aged += learned - 1;
  await batch(rig.lab, "bridge", [
    `fdb del ${host(LOUD)} dev p${LOUD} master`,
    `fdb del ${fixed} dev p1 master`,
  ]);
  rig.removed += 2;
  return [...differences, ...judgeFrames(rig, rig.sent.slice(first), [])];
}
