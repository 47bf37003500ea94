import { release } from "node:os";
import type { BuiltLab } from "../../../src/setup/lab.ts";
import { macAddress } from "../../../src/setup/mac.ts";
import { portName } from "../../../src/setup/plan.ts";
import type { BridgeConfig, PortConfig, PortId } from "../../model/bridge.ts";
import type { Scenario, Step } from "../../model/steps.ts";

/** The three bytes that every address of the lab starts with. */
export function prefixOf(lab: BuiltLab): string {
  return macAddress(lab.id, "bridge", 0).slice(0, 8);
}

/** An address of the `index`th host of the lab's model; those of random scenarios are among them. */
export function hostAddress(lab: BuiltLab, index: number): string {
  return `${prefixOf(lab)}:00:0a:${index.toString(16).padStart(2, "0")}`;
}

/** Whether this kernel's ports can be locked (Linux 5.18). */
export function hasLockedPorts(): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return major > 5 || (major === 5 && minor >= 18);
}

/** The lab's bridge as the kernel makes it, but for `changes`. */
export function plainConfig(lab: BuiltLab, changes: Partial<BridgeConfig> = {}): BridgeConfig {
  const ports = lab.hosts.map((_host, index): [PortId, PortConfig] => [
    portName(index),
    {
      state: "forwarding",
      ...{ learning: true, flood: true, mcastFlood: true, bcastFlood: true },
      ...{ isolated: false, hairpin: false },
      ...(hasLockedPorts() ? { locked: false } : {}),
      address: macAddress(lab.id, "port", index),
    },
  ]);
  return {
    address: macAddress(lab.id, "bridge", 0),
    ports: Object.fromEntries(ports),
    ...{ promiscuous: false, up: true, ageingTimeMs: 300_000, stp: false, groupFwdMask: 0 },
    ...{ mcastSnooping: true, staticEntries: [] },
    ...changes,
  };
}

/** The scenario with the addresses that its bridge and ports really have in the lab. */
export function settleIn(scenario: Scenario, lab: BuiltLab): Scenario {
  const { config } = scenario;
  const real = new Map([[config.address, macAddress(lab.id, "bridge", 0)]]);
  Object.values(config.ports).forEach(({ address }, index) => {
    real.set(address, macAddress(lab.id, "port", index));
  });
  const rename = (address: string) => real.get(address) ?? address;
  return {
    config: renameConfig(config, rename),
    steps: scenario.steps.map((step) => renameStep(step, rename)),
  };
}

function renameConfig(config: BridgeConfig, rename: (address: string) => string): BridgeConfig {
  const ports = Object.entries(config.ports).map(([id, port]): [PortId, PortConfig] => [
    id,
    { ...port, address: rename(port.address) },
  ]);
  return { ...config, address: rename(config.address), ports: Object.fromEntries(ports) };
}

function renameStep(step: Step, rename: (address: string) => string): Step {
  if (step.kind !== "frame" && step.kind !== "transmit") return step;
  const destination = rename(step.destination);
  if (step.kind === "frame") return { ...step, source: rename(step.source), destination };
  return step.source === undefined
    ? { ...step, destination }
    : { ...step, source: rename(step.source), destination };
}
