import {
  type BridgeConfig,
  type BridgeModel,
  createBridgeModel,
  HOST,
} from "../../model/bridge.ts";
import { applyStep, type Scenario } from "../../model/steps.ts";
import { settleIn } from "./addresses.ts";
import { batch, configure, portLines, readFdb } from "./kernel.ts";
import type { Rig } from "./rig.ts";
import { judgeCounters, judgeFdb, judgeFrames, judgeStrangers } from "./verdict.ts";

/**
 * Plays a scenario in the lab and on the model, and returns all in which they differ. `sabotage`
 * runs between the lab's configuration and the first frame.
 */
export async function play(
  rig: Rig,
  scenario: Scenario,
  sabotage: () => Promise<void> = async () => {},
): Promise<string[]> {
  const { config, steps } = settleIn(scenario, rig.lab);
  await prepare(rig, config);
  await sabotage();
  const first = rig.sent.length;
  const model = createBridgeModel(config);
  for (const step of steps) {
    // Port frames may pile up. What acts at once (the host's frames, commands) must not overtake.
    if (step.kind !== "frame") await rig.settle();
    if (step.kind === "flush") rig.removed += removable(model);
    const outcome = applyStep(model, step);
    switch (step.kind) {
      case "setPort":
        await batch(rig.lab, "bridge", portLines(step.port, step.change));
        break;
      case "flush":
        await batch(rig.lab, "ip", ["link set dev br0 type bridge fdb_flush"]);
        break;
      default: {
        if (outcome === undefined) break;
        const ingress = step.kind === "frame" ? step.port : HOST;
        rig.send(ingress, step.source ?? config.address, step.destination, outcome, step);
      }
    }
  }
  await rig.settle();
  return [
    ...judgeFrames(rig, rig.sent.slice(first), steps),
    ...judgeStrangers(rig),
    ...(await judgeFdb(rig, model)),
    ...(await judgeCounters(rig)),
  ];
}

/** Turns the lab into what `config` says; what the last scenario left in the FDB goes. */
export async function prepare(rig: Rig, config: BridgeConfig): Promise<void> {
  const own = new Set([
    config.address,
    ...Object.values(config.ports).map(({ address }) => address),
  ]);
  const left = (await readFdb(rig.lab)).filter(
    ({ address, local }) => !(local && own.has(address)),
  );
  const statics = left.filter(({ permanent }) => permanent);
  const outsiders = await configure(rig.lab, config, statics, rig.outsiders);
  // Who leaves its VLAN loses its own entry there.
  const leavers = [...outsiders].filter((id) => !rig.outsiders.has(id));
  rig.removed += left.length + leavers.length;
  rig.outsiders = outsiders;
  // No tracepoint tells what an administrator adds, or who joins a VLAN.
  const added = new Set(config.staticEntries.map(({ address }) => address));
  if (config.vlanFiltering) for (const address of own) added.add(address);
  await rig.seed((await readFdb(rig.lab)).filter(({ address }) => added.has(address)));
}

function removable(model: BridgeModel): number {
  return model.entries().filter(({ permanent }) => !permanent).length;
}
