import { bridgeCommand, type Cause, hasEntry, portFlag, portPhrase, staticEntry } from "./cause.ts";

/** A locked port (802.1X, MAB) takes frames from addresses with an entry only, and learns none. */
export const lockedPort: Cause = {
  notes: (state) =>
    state.ports
      .filter((port) => port.flags.locked)
      .map((port) => {
        const address = port.peer?.master === null ? port.peer.address : null;
        const admitted = address !== null && hasEntry(state, address);
        return {
          cause: "locked-port",
          text: admitted
            ? `${portPhrase(port)} is locked and admits ${address}, which has an entry; every other source behind it is dropped`
            : `${portPhrase(port)} is locked: sources without an entry are dropped and not learned, and frames for them are flooded`,
          remedy: admitted
            ? null
            : address !== null
              ? {
                  ...staticEntry(state, port, address),
                  risk: `${address} is admitted without having authenticated`,
                }
              : {
                  command: portFlag(state, port, "locked", "off"),
                  effect: `${port.name} takes and learns every source`,
                  risk: "whoever is behind it is admitted without having authenticated",
                  undo: portFlag(state, port, "locked", "on"),
                  verify: `${bridgeCommand(state.place, "-d", "link", "show", "dev", port.name)} shows locked off`,
                },
        };
      }),
};
