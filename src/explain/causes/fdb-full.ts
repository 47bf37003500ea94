import { type Cause, entryAt, hasEntry } from "./cause.ts";
import { ipCommand } from "./setting.ts";
import { allHomes, virtualAddress } from "./whereabouts.ts";

/** fdb_create() refuses further dynamic entries at fdb_max_learned (Linux 6.7). */
export const fdbFull: Cause = {
  notes: (state) => {
    const { learned, maxLearned } = state;
    if (maxLearned === null || maxLearned === 0 || learned === null || learned < maxLearned)
      return [];
    const unknown = allHomes(state).find(
      ({ address }) => !hasEntry(state, address) && virtualAddress(address) === null,
    );
    const shown = ipCommand(state.place, "-d", "link", "show", "dev", state.name);
    return [
      {
        cause: "fdb-full",
        text: `${state.name} has learned ${learned} addresses, as many as it may (fdb_max_learned ${maxLearned}; \`${shown}\` shows it where ip knows it): frames for any further address are flooded until an entry ages`,
        remedy: unknown === undefined ? null : entryAt(unknown),
      },
    ];
  },
};
