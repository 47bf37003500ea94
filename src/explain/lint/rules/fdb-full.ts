import { fdbFull as cause } from "../../causes/fdb-full.ts";
import type { Rule } from "./rule.ts";

/** At fdb_max_learned no further address is learned. */
export const fdbFull: Rule = {
  name: "fdb-full",
  judge: (state) =>
    cause.notes(state).map(({ text, remedy }) => ({
      ...{ severity: "medium", text, remedy },
      evidence: [`fdb_n_learned ${state.learned}`, `fdb_max_learned ${state.maxLearned}`],
    })),
};
