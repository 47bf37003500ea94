/** What one loop does is one finding: its largest flow, and as evidence whatever else came round. */

import type { Finding } from "../../document/explain.ts";
import { grouped, severityOf, sum } from "../causes/peak.ts";
import { type Draft, isMoves } from "./moves.ts";

/** Of what else came round, so much is told. */
const OTHERS = 4;

/** Findings of one loop, which are those that the same cut would end, become one. */
export function eachLoopOnce(drafts: readonly Draft[]): Draft[] {
  const keyed = drafts.map((draft, index) => ({ draft, key: loopOf(draft) ?? `not ${index}` }));
  const once = grouped(keyed, ({ key }) => key).map((same) =>
    together(same.map(({ draft }) => draft)),
  );
  return withOverflow(once);
}

/** What a loop fills (queues, the CPUs' backlogs, the depth of devices on devices) overflows, and that is the loop's. */
const OVERFLOWS: readonly Finding["cause"][] = ["other", "backlog"];

function withOverflow(drafts: readonly Draft[]): Draft[] {
  const loop = drafts.find(({ cause }) => cause === "loop");
  if (loop === undefined) return [...drafts];
  const isOverflow = ({ kind, cause }: Draft) => kind === "loss" && OVERFLOWS.includes(cause);
  const evidence = [
    ...loop.evidence,
    ...drafts.filter(isOverflow).map(({ lost, title }) => `${lost} copies were lost: ${title}`),
  ];
  return drafts
    .filter((draft) => !isOverflow(draft))
    .map((draft) => (draft === loop ? { ...loop, evidence } : draft));
}

/** The ports that are to be cut; null where it is no loop. */
function loopOf({ cause, remedy }: Draft): string | null {
  if (cause !== "loop" || remedy === null || "none" in remedy) return null;
  const { change } = remedy;
  return change.set === "opened" ? change.cut.map(({ ifindex }) => ifindex).join() : null;
}

function together(drafts: readonly Draft[]): Draft {
  const [head, ...others] = [...drafts].sort(
    (a, b) =>
      Number(b.basis === "observed") - Number(a.basis === "observed") ||
      b.copies - a.copies ||
      b.frames - a.frames,
  );
  if (head === undefined) throw new Error("a loop without a finding");
  if (others.length === 0) return head;
  const floods = [head, ...others].filter((one) => !isMoves(one));
  const of = floods.length === 0 ? [head] : floods;
  const flow = [...of].sort((a, b) => b.copies - a.copies)[0] ?? head;
  const copiesPerSecond = sum(of, (one) => one.copiesPerSecond);
  const { cause, title, basis, alternatives, remedy } = head;
  const rest = drafts.filter((one) => one !== flow);
  const told = rest.slice(0, OTHERS).map(inALine);
  const more = rest.length - told.length;
  const [frames, copies] = [sum(of, (one) => one.frames), sum(of, (one) => one.copies)];
  const all = `${frames} frames of ${of.length} flows went round and left as ${copies} copies`;
  return {
    ...flow,
    ...{ cause, title, basis, alternatives, remedy },
    severity: floods.length === 0 ? head.severity : severityOf(copiesPerSecond),
    ...{ frames, copies },
    bytes: sum(of, ({ bytes }) => bytes),
    // The most of each within a second, which need not be the same one.
    ...{ framesPerSecond: sum(of, (one) => one.framesPerSecond), copiesPerSecond },
    victims: victimsOf(of),
    captures: drafts.flatMap(({ captures }) => captures),
    evidence: [
      ...(of.length > 1 ? [all] : []),
      ...flow.evidence,
      ...told,
      ...(more === 0 ? [] : [`${more} more flows and addresses went round`]),
    ],
  };
}

function inALine(draft: Draft): string {
  const { source, destination, protocol, frames, copies, evidence } = draft;
  if (isMoves(draft)) return `the entry of ${source} moved: ${evidence[0]}`;
  const kind = protocol === null ? "" : ` (${protocol})`;
  return `${frames} frames of ${source} for ${destination ?? "several addresses"}${kind} left as ${copies} copies`;
}

function victimsOf(drafts: readonly Draft[]): Finding["victims"] {
  const all = drafts.flatMap(({ victims }) => victims);
  return grouped(all, ({ port }) => `${port.ifindex}`)
    .flatMap((same) => {
      const [first] = same;
      return first === undefined
        ? []
        : [{ port: first.port, copies: sum(same, ({ copies }) => copies) }];
    })
    .sort((a, b) => b.copies - a.copies);
}
