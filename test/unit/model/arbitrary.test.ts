import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arbitraryScenario } from "../../model/arbitrary.ts";
import { createBridgeModel } from "../../model/bridge.ts";
import { applyStep, type Scenario } from "../../model/steps.ts";

const PREFIX = "02:ab:cd";
const scenarios = arbitraryScenario({ ports: 4, macPrefix: PREFIX });
const seed = 1;

function play({ config, steps }: Scenario) {
  const model = createBridgeModel(config);
  return steps.map((step) => ({ step, outcome: applyStep(model, step), model }));
}

describe("arbitrary scenarios", () => {
  it("carry the prefix in every address of their own and in every frame", () => {
    fc.assert(
      fc.property(scenarios, ({ config, steps }) => {
        const own = [config.address, ...Object.values(config.ports).map((port) => port.address)];
        const fixed = config.staticEntries.map(({ address }) => address);
        expect([...own, ...fixed].filter((address) => !address.startsWith(PREFIX))).toEqual([]);
        for (const step of steps) {
          if (step.kind === "frame") expect([step.source, step.destination].join()).toMatch(PREFIX);
        }
      }),
      { seed },
    );
  });

  it("keep one port forwarding throughout", () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const model = createBridgeModel(scenario.config);
        const ids = Object.keys(scenario.config.ports);
        const forwarding = () => new Set(ids.filter((id) => model.port(id).state === "forwarding"));
        let anchors = forwarding();
        for (const step of scenario.steps) {
          applyStep(model, step);
          const now = forwarding();
          anchors = new Set([...anchors].filter((id) => now.has(id)));
        }
        expect(anchors.size).toBeGreaterThan(0);
      }),
      { seed },
    );
  });

  it("lead the model to outcomes that hold together", () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        for (const { step, outcome } of play(scenario)) {
          if (outcome === undefined) continue;
          const { decision, egress, learned, moved } = outcome;
          expect(egress).toEqual([...new Set(egress)].sort());
          expect(egress.length === 0).toBe(decision === "filtered");
          expect(learned && moved).toBe(false);
          if (decision === "local") expect(egress).toEqual(["host"]);
          if (step.kind === "transmit") expect(egress).not.toContain("host");
        }
      }),
      { seed },
    );
  });

  it("come by every decision, by learning and by moving often", () => {
    const seen = new Map<string, number>();
    const count = (key: string) => seen.set(key, (seen.get(key) ?? 0) + 1);
    for (const scenario of fc.sample(scenarios, { numRuns: 200, seed })) {
      for (const { step, outcome } of play(scenario)) {
        count(outcome === undefined ? step.kind : `${step.kind} ${outcome.decision}`);
        if (outcome?.learned) count("learned");
        if (outcome?.moved) count("moved");
      }
    }
    const expected = [
      ...["knownUnicast", "unknownUnicast", "broadcast", "multicast", "local", "filtered"].map(
        (decision) => `frame ${decision}`,
      ),
      ...["knownUnicast", "unknownUnicast", "broadcast", "multicast", "filtered"].map(
        (decision) => `transmit ${decision}`,
      ),
      "setPort",
      "flush",
      "learned",
      "moved",
    ];
    expect(expected.filter((key) => (seen.get(key) ?? 0) < 20)).toEqual([]);
  });

  it("lock ports only when asked to", () => {
    const isLocked = (scenario: Scenario) =>
      Object.values(scenario.config.ports).some((port) => port.locked !== undefined) ||
      scenario.steps.some((step) => step.kind === "setPort" && "locked" in step.change);
    const locking = arbitraryScenario({ ports: 4, macPrefix: PREFIX, locked: true });
    expect(fc.sample(scenarios, { numRuns: 50, seed }).some(isLocked)).toBe(false);
    expect(fc.sample(locking, { numRuns: 50, seed }).every(isLocked)).toBe(true);
  });

  it("work for a bridge of one port", () => {
    const single = arbitraryScenario({ ports: 1, macPrefix: PREFIX });
    const played = fc.sample(single, { numRuns: 50, seed }).flatMap(play);
    const left = played.flatMap(({ outcome }) => outcome?.egress ?? []);
    // What the host sends leaves by the port, and nothing that came in by it does.
    expect([...new Set(left)].sort()).toEqual(["host", "p1"]);
  });
});
