/** Why the bridge floods frames for one address: what the state of the bridge says, once the flood was seen. */
import type { Finding, Note } from "../document/explain.ts";
import type { Collected } from "../live/collect.ts";
import type { BridgeState } from "../live/state.ts";
import { peerPorts, portPhrase, staticEntry } from "./cause.ts";

export type Why = Pick<Finding, "cause" | "title" | "basis" | "alternatives" | "remedy">;

export function whyUnknown(
  state: BridgeState,
  notes: readonly Note[],
  deleted: Collected["deleted"],
  destination: string,
): Why {
  const noted = (cause: Note["cause"], words: string) =>
    notes.find((note) => note.cause === cause && note.text.includes(words));
  const from = (note: Note, alternatives: string[] = []): Why | null =>
    note.cause === null
      ? null
      : {
          cause: note.cause,
          title: note.text,
          basis: "inferred",
          alternatives,
          remedy: note.remedy,
        };
  const home = peerPorts(state).find(({ peer }) => peer.address === destination);
  const phrase = home === undefined ? null : portPhrase(home.port);
  const configured = [
    noted("loop", state.name),
    noted("ageing-disabled", state.name),
    ...(phrase === null ? [] : [noted("learning-off", phrase), noted("locked-port", phrase)]),
    noted("fdb-full", state.name),
  ].find((note) => note !== undefined);
  const told = configured && from(configured);
  if (told) return told;
  const remover = deleted.find(({ address }) => address === destination);
  if (remover !== undefined) {
    return {
      cause: "entry-removed",
      title: `the entry of ${destination} was deleted by ${remover.by}`,
      basis: "observed",
      alternatives: [],
      remedy: home === undefined ? null : staticEntry(state, home.port, destination),
    };
  }
  if (home === undefined) {
    const gone = noted("destination-gone", destination);
    const alternatives = ["it lives behind a port whose other end cannot be seen, and is silent"];
    const known = gone && from(gone, alternatives);
    return (
      known ?? {
        cause: "never-learned",
        title: `${destination} has sent nothing while this was looking, and no host that can be seen has that address`,
        basis: "inferred",
        alternatives: [...alternatives, "no host has it, and the sender was told a wrong address"],
        remedy: null,
      }
    );
  }
  const heard = home.port.counters.rx > 0;
  return {
    cause: heard ? "aged-out" : "never-learned",
    title: heard
      ? `${destination} behind ${phrase} has sent before, but not within the ageing time of ${state.ageingMs / 1000} s: its entry is gone`
      : `${destination} behind ${phrase} has never sent a frame since it was plugged in`,
    basis: "inferred",
    alternatives: heard
      ? [
          "its entry was deleted before this was looking",
          "its answers take another way than this bridge",
        ]
      : [],
    remedy: staticEntry(state, home.port, destination),
  };
}
