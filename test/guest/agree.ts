import fc from "fast-check";
import { DECISIONS } from "../../src/document/run.ts";
import { type BackendName, chooseBackend, type ProbeBackend } from "../../src/probes/backend.ts";
import { hasLockedPorts, prefixOf } from "../integration/frames/addresses.ts";
import { playAgeing } from "../integration/frames/ageing.ts";
import type { SentFrame } from "../integration/frames/expectation.ts";
import { play } from "../integration/frames/play.ts";
import { openRig, PORTS, type Rig } from "../integration/frames/rig.ts";
import { judgeTotals } from "../integration/frames/verdict.ts";
import { arbitraryScenario } from "../model/arbitrary.ts";
import { HOST, type PortConfig } from "../model/bridge.ts";
import type { Scenario } from "../model/steps.ts";

/** What the script that runs in a guest is asked for, as its only argument. */
export interface AgreementRequest {
  backends: readonly BackendName[];
  lab: string;
  seed: number;
  scenarios: number;
  /** The lab's bridge filters VLANs. */
  vlan?: boolean;
  /** Silent hosts are waited for, too, with this ageing time. */
  ageingTimeMs?: number;
  /** A text of one backend's program, and what it becomes. */
  bug?: { backend: BackendName; from: string; to: string };
}

/** What it prints, as JSON. */
export interface AgreementReport {
  release: string;
  bpftrace: string;
  scenarios: number;
  frames: number;
  /** How often the model had each decision and event, and scenarios with what ports can be. */
  met: Record<string, number>;
  /** Sections that the kernel cannot have, by backend. */
  dropped: Record<string, readonly { function: string; reason: string }[]>;
  /** Of the first scenario in which a witness and the model differ. */
  differences: string[];
  /** Where the books at the end differ. */
  totals: string[];
}

export async function agree(
  request: AgreementRequest,
): Promise<Omit<AgreementReport, "release" | "bpftrace">> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const backends: ProbeBackend[] = [];
  for (const name of request.backends) backends.push(await chooseBackend(name));
  say(`attaching ${request.backends.join(", ")}`);
  const rig = await openRig({ backends, lab: request.lab, edit: plant(request.bug) });
  try {
    const scenarios = scenariosFor(request, rig);
    const differences = await playAll(rig, scenarios, say);
    if (request.ageingTimeMs !== undefined && differences.length === 0) {
      say("waiting for entries to age");
      differences.push(...(await playAgeing(rig, request.ageingTimeMs)));
    }
    say("reading the probes");
    const totals = judgeTotals(rig, await rig.finish());
    return {
      scenarios: scenarios.length,
      frames: framesOf(rig).length,
      met: { ...metFrames(rig), ...metPorts(scenarios) },
      dropped: Object.fromEntries(rig.witnesses.map(({ name, dropped }) => [name, dropped])),
      differences,
      totals,
    };
  } finally {
    await rig.close();
  }
}

function scenariosFor({ seed, scenarios, vlan }: AgreementRequest, rig: Rig): Scenario[] {
  const arbitrary = arbitraryScenario({
    ports: PORTS,
    macPrefix: prefixOf(rig.lab),
    locked: hasLockedPorts(),
    vlan: vlan ?? false,
  });
  return fc.sample(arbitrary, { seed, numRuns: scenarios });
}

/** Up to the first scenario in which a witness and the model differ. */
async function playAll(
  rig: Rig,
  scenarios: readonly Scenario[],
  say: (text: string) => void,
): Promise<string[]> {
  for (const [index, scenario] of scenarios.entries()) {
    const differences = await play(rig, scenario);
    if (differences.length > 0) return differences;
    if ((index + 1) % 10 === 0) say(`${index + 1} of ${scenarios.length} scenarios`);
  }
  return [];
}

const framesOf = (rig: Rig) => rig.sent.filter(({ step }) => step !== null);

function metFrames(rig: Rig): Record<string, number> {
  const frames = framesOf(rig);
  const count = (holds: (frame: SentFrame) => boolean) => frames.filter(holds).length;
  return {
    ...Object.fromEntries(
      DECISIONS.map((decision) => [
        decision,
        count(({ outcome }) => outcome.decision === decision),
      ]),
    ),
    learned: count(({ outcome }) => outcome.learned),
    moved: count(({ outcome }) => outcome.moved),
    fromHost: count(({ ingress }) => ingress === HOST),
    removed: rig.removed,
    aged: rig.aged,
  };
}

/** Scenarios whose ports are set so from the start. */
function metPorts(scenarios: readonly Scenario[]): Record<string, number> {
  const count = (least: number, holds: (port: PortConfig) => boolean) =>
    scenarios.filter(({ config }) => Object.values(config.ports).filter(holds).length >= least)
      .length;
  return {
    isolatedPairs: count(2, ({ isolated }) => isolated),
    lockedPorts: count(1, ({ locked }) => locked ?? false),
    outsideVlan: count(1, ({ vlanMember }) => vlanMember === false),
  };
}

function plant(bug: AgreementRequest["bug"]) {
  return (text: string, { name }: ProbeBackend): string => {
    if (bug === undefined || bug.backend !== name) return text;
    if (!text.includes(bug.from)) throw new Error(`the program has no ${JSON.stringify(bug.from)}`);
    return text.replaceAll(bug.from, bug.to);
  };
}
