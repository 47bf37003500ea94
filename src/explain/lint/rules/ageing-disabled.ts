import { ageingDisabled as cause } from "../../causes/ageing-disabled.ts";
import type { Rule } from "./rule.ts";

/**
 * An ageing time of 0 makes a hub of the bridge. With two ports that is no matter: a frame has nowhere else to go, and such
 * bridges are made on purpose (OpenStack's qbr bridges).
 */
export const ageingDisabled: Rule = {
  name: "ageing-disabled",
  judge: (state) =>
    state.ports.length < 3
      ? []
      : cause.notes(state).map(({ text, remedy }) => ({
          ...{ severity: "medium", text, remedy },
          evidence: ["ageing_time 0", `${state.ports.length} ports`],
        })),
};
