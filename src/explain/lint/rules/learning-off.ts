import { learningNote } from "../../causes/learning-off.ts";
import type { Judgement, Rule } from "./rule.ts";
import { some } from "./rule.ts";

/**
 * Where nobody has set an entry at a port that does not learn, nobody sees to that port's addresses. Who does, as a controller
 * of an overlay that sets a VXLAN port's entries, has learning off on purpose.
 */
export const learningOff: Rule = {
  name: "learning-off",
  judge: (state): Judgement[] => {
    const tended = new Set(
      state.entries.filter((one) => one.static && !one.local).map(({ port }) => port),
    );
    const ports = state.ports.filter(
      ({ flags, vxlan, ifindex }) =>
        !flags.learning && !flags.locked && vxlan === null && !tended.has(ifindex),
    );
    const [first] = ports;
    // To a bridge of two ports a flooded frame is like any other.
    if (first === undefined || state.ports.length < 3) return [];
    const { text, remedy } = learningNote(first);
    const names = ports.map(({ name }) => name);
    return [
      {
        severity: "medium",
        text: ports.length === 1 ? text : `${text}; so it is at ${some(names)}`,
        evidence: [`learning off at ${some(names)}`, "no entry there that was set by hand"],
        remedy,
      },
    ];
  },
};
