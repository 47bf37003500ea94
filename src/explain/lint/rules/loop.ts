import { suspectedLoops } from "../../causes/loop.ts";
import type { Judgement, LintFacts, Rule } from "./rule.ts";

/** Two ends of one cable, or two cables to one other bridge that no spanning tree blocks. */
export const loop: Rule = {
  name: "loop",
  judge: (state, facts) =>
    suspectedLoops(state).flatMap(({ loop: { ports, beyond }, note, opening }): Judgement[] => {
      const evidence = ports.map(
        ({ name, state: now, peer }) =>
          `${name} is ${now}; its other end is ${peer?.name} of ${peer?.namespace.label}`,
      );
      const said = { text: note.text, remedy: note.remedy };
      if (beyond === null) return [{ ...said, severity: "high", evidence }];
      const far = ports.map(({ peer }) => farState(facts, peer));
      const open = far.filter((one) => one === "forwarding").length;
      // One of them is blocked at the other end: that is what a spanning tree is for.
      if (!far.includes(null) && open < 2) return [];
      return open < 2
        ? [{ ...said, severity: "medium", evidence }]
        : [
            {
              severity: "high",
              text: note.text.replace(/:.*/s, ": they are a loop, and both ends forward"),
              evidence: [...evidence, `${open} of the other ends are forwarding`],
              remedy: opening,
            },
          ];
    }),
};

type Peer = Parameters<NonNullable<Rule["judge"]>>[0]["ports"][number]["peer"];

function farState(facts: LintFacts, peer: Peer) {
  return peer === null ? null : facts.portState(peer.namespace, peer.ifindex);
}
