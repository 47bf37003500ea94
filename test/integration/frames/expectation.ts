import type { Account } from "../../../src/probes/account.ts";
import type { Decision, Outcome, PortId } from "../../model/bridge.ts";
import type { Step } from "../../model/steps.ts";

/** What became of one frame, as either side tells it. */
export interface Story {
  /** Ports that it came in by: one, or somebody is wrong. */
  ingress: PortId[];
  decision: string;
  egress: PortId[];
  learned: number;
  moved: number;
}

export interface SentFrame {
  number: number;
  bytes: number;
  ingress: PortId;
  outcome: Outcome;
  /** Null for the frames that end a batch. */
  step: Step | null;
}

export function expectedStory({ ingress, outcome }: SentFrame): Story {
  const { decision, egress, learned, moved } = outcome;
  return { ingress: [ingress], decision, egress, learned: Number(learned), moved: Number(moved) };
}

export function observedStory(account: Account, nameOf: (ifindex: number) => PortId): Story {
  const ports = [...account.ports].map(([ifindex, tally]) => ({ id: nameOf(ifindex), ...tally }));
  const repeat = (id: string, times: number) => Array.from({ length: times }, () => id);
  const sum = (pick: (port: (typeof ports)[number]) => number) =>
    ports.reduce((total, port) => total + pick(port), 0);
  const decisions = ports.flatMap((port) =>
    Object.entries(port.decisions).flatMap(([name, times]) => repeat(name, times)),
  );
  return {
    ingress: ports.flatMap(({ id, ingress }) => repeat(id, ingress)),
    decision: decisions.join(" and "),
    egress: ports.flatMap(({ id, egress }) => repeat(id, egress)).sort(),
    learned: sum((port) => port.learned),
    moved: sum((port) => port.moved),
  };
}

/** What a window holds for one port, by the model. */
export interface Sum {
  ingress: number;
  egress: number;
  copies: number;
  learned: number;
  moved: number;
  decisions: Record<Decision, number>;
}

export function emptySums(ports: readonly PortId[]): Map<PortId, Sum> {
  return new Map(
    ports.map((id) => [
      id,
      {
        ...{ ingress: 0, egress: 0, copies: 0, learned: 0, moved: 0 },
        decisions: {
          knownUnicast: 0,
          unknownUnicast: 0,
          broadcast: 0,
          multicast: 0,
          local: 0,
          filtered: 0,
        },
      },
    ]),
  );
}

export function addFrame(sums: ReadonlyMap<PortId, Sum>, frame: SentFrame): void {
  const { decision, egress, learned, moved } = frame.outcome;
  const from = sums.get(frame.ingress);
  if (from === undefined) throw new Error(`no port ${frame.ingress}`);
  from.ingress++;
  from.decisions[decision]++;
  from.copies += egress.length;
  from.learned += Number(learned);
  from.moved += Number(moved);
  for (const id of egress) {
    const to = sums.get(id);
    if (to === undefined) throw new Error(`no port ${id}`);
    to.egress++;
  }
}
