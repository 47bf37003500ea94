import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { casesInFull } from "../../full.ts";
import { arbitraryScenario } from "../../model/arbitrary.ts";
import type { Scenario } from "../../model/steps.ts";
import { hostAddress, plainConfig, prefixOf } from "./addresses.ts";
import { batch } from "./kernel.ts";
import { play } from "./play.ts";
import { openRig, PORTS, type Rig } from "./rig.ts";
import { judgeTotals } from "./verdict.ts";

/** Each planted bug with the place that it stands in, and what notices it. */
const BUGS = {
  "broadcast is taken for multicast": {
    from: "$class = (uint64)3;",
    to: "$class = (uint64)4;",
    seenIn: "frames",
  },
  "moves are told but not counted": {
    from: "@moved[$from] = count();",
    to: "",
    seenIn: "totals",
  },
  "clones are matched by the wrong head": {
    from: "->head == $skb->head) { $mine = 1; }",
    to: "->head != $skb->head) { $mine = 1; }",
    seenIn: "frames",
  },
  "the bridge's own address is like any other": {
    from: "$class = (uint64)5;",
    to: "$class = (uint64)2;",
    seenIn: "frames",
  },
  "a deleted entry stays in the mirror": {
    from: "delete(@fdb[$key]);",
    to: "",
    seenIn: "frames",
  },
  "every copy is taken for its frame's first": {
    from: "$first = (uint64)0;",
    to: "$first = (uint64)1;",
    seenIn: "totals",
  },
  "frames that @in has not yet are forgotten when the next port's comes": {
    from: "@in[$c.1 >> 32] = sum($c.3);",
    to: "",
    seenIn: "totals",
  },
} as const;

const SCENARIOS = 12;

beforeEach(() => setThreadCpus(threadCpus().slice(0, 1)));

function plant({ from, to }: { from: string; to: string }): (program: string) => string {
  return (program) => {
    if (!program.includes(from)) {
      throw new Error(`bridge.bt has no ${JSON.stringify(from)} any more`);
    }
    return program.replaceAll(from, to);
  };
}

/** Plays random scenarios until the first that differs. */
async function firstDifference(rig: Rig): Promise<string[]> {
  const arbitrary = arbitraryScenario({ ports: PORTS, macPrefix: prefixOf(rig.lab) });
  for (const scenario of fc.sample(arbitrary, { seed: 7, numRuns: SCENARIOS })) {
    const differences = await play(rig, scenario);
    if (differences.length > 0) return differences;
  }
  return [];
}

// One that frames show and one that totals show stand for the others.
casesInFull(2, Object.entries(BUGS))("%s: found", async ([_name, bug]) => {
  const rig = await openRig({ edit: plant(bug) });
  try {
    const differences = await firstDifference(rig);
    const totals = judgeTotals(rig, await rig.finish());
    if (bug.seenIn === "frames") expect(differences.join("\n")).toMatch(/model: .*\n.*probes: /);
    else expect(differences).toEqual([]);
    expect(totals.join("\n")).toContain("totals of p");
  } finally {
    await rig.close();
  }
});

test("a lab that is changed behind the model's back: found by frames, wires and counters", async () => {
  const rig = await openRig();
  try {
    const source = hostAddress(rig.lab, 1);
    const scenario: Scenario = {
      config: plainConfig(rig.lab),
      steps: [{ kind: "frame", port: "p1", source, destination: "ff:ff:ff:ff:ff:ff" }],
    };
    expect(await play(rig, scenario)).toEqual([]);
    const isolate = ["link set dev p1 isolated on", "link set dev p2 isolated on"];
    const text = (await play(rig, scenario, () => batch(rig.lab, "bridge", isolate))).join("\n");
    const [told, seen] = [
      ["host", "p2", "p3", "p4", "p5"],
      ["host", "p3", "p4", "p5"],
    ].map((ids) => JSON.stringify(ids));
    expect(text).toContain(`"egress":${told}`);
    expect(text).toContain(`"egress":${seen}`);
    expect(text).toContain(`came out at: ${seen}`);
    expect(text).toContain("counters of p2");
  } finally {
    await rig.close();
  }
});
