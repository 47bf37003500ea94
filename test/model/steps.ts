import type { BridgeConfig, BridgeModel, Outcome, PortChange, PortId } from "./bridge.ts";

export type Step =
  | { kind: "frame"; port: PortId; source: string; destination: string }
  | { kind: "transmit"; source?: string; destination: string }
  | { kind: "setPort"; port: PortId; change: PortChange }
  | { kind: "flush" };

export interface Scenario {
  config: BridgeConfig;
  steps: Step[];
}

/** Plays one step on the model; undefined for a step that sends nothing. */
export function applyStep(model: BridgeModel, step: Step): Outcome | undefined {
  switch (step.kind) {
    case "frame":
      return model.receive(step.port, step);
    case "transmit":
      return model.transmit(step);
    case "setPort":
      model.setPort(step.port, step.change);
      return undefined;
    case "flush":
      model.flush();
      return undefined;
  }
}
