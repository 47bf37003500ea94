/** Which bridge a flow crosses, and where its ends are on it: whatever a person called them. */
import type { NameCache } from "../../bridge/containers.ts";
import { type Labs, placeOf } from "../../bridge/find-namespace.ts";
import { BridgeGoneError, readBridge } from "../../bridge/read-bridge.ts";
import type { BridgeState } from "../../bridge/state.ts";
import { whichBridge } from "../../bridge/which-bridge.ts";
import { UsageError } from "../../system/errors.ts";
import { printable } from "../../text/printable.ts";
import {
  type Asked,
  askedFor,
  checkAddresses,
  type End,
  endPhrase,
  endsOf,
  sameEnd,
  unseenEnd,
} from "./ends.ts";

export interface FoundEnds {
  state: BridgeState;
  a: End;
  b: End;
}

export interface EndSearch {
  from: string;
  to: string;
  bridge?: string | undefined;
  netns?: string | undefined;
}

/** Without a bridge's name so many are looked into. */
const MOST_BRIDGES = 32;

/** Rejected with a UsageError that says what was found, where that is not one end each on one bridge. */
export async function findEnds(
  { from, to, bridge, netns }: EndSearch,
  labs: Labs | undefined,
  names: NameCache,
): Promise<FoundEnds> {
  const found = await whichBridge(bridge, netns, labs);
  if (found.length > MOST_BRIDGES) {
    throw new UsageError(
      `there are ${found.length} bridges, too many to look for both ends behind each: name one`,
    );
  }
  const find = (text: string) => placeOf(text, { labs });
  const asked: [Asked, Asked] = [await askedFor(from, find), await askedFor(to, find)];
  const states: BridgeState[] = [];
  for (const { place, ifindex } of found) {
    const state = await readBridge(place, ifindex, names).catch((error: unknown) => {
      // One of several, which nobody named, may go meanwhile.
      if (error instanceof BridgeGoneError && found.length > 1) return null;
      throw error;
    });
    if (state !== null) states.push(state);
  }
  return chosen(states, asked);
}

/** The one bridge that has both ends, and the two ends. */
export function chosen(
  states: readonly BridgeState[],
  [from, to]: readonly [Asked, Asked],
): FoundEnds {
  const found = states.map((state) => ({ state, as: endsOf(state, from), bs: endsOf(state, to) }));
  const common = found.filter(({ as, bs }) => as.length > 0 && bs.length > 0);
  const [first, ...more] = common;
  if (first === undefined) return withUnseen(found, from, to);
  if (more.length > 0) {
    const names = common.map(({ state }) => bridgeName(state));
    throw new UsageError(
      `there are several paths between "${printable(from.text)}" and "${printable(to.text)}", by ${names.join(" and by ")}: say which bridge`,
    );
  }
  const { state, as, bs } = first;
  return checked(state, from, to, only(state, "--from", from, as), only(state, "--to", to, bs));
}

interface Looked {
  state: BridgeState;
  as: End[];
  bs: End[];
}

/** An IP address that nobody has who can be seen may be asked for by somebody who can. */
function withUnseen(found: readonly Looked[], from: Asked, to: Asked): FoundEnds {
  const [one, ...others] = found.filter(({ as, bs }) => as.length + bs.length > 0);
  if (one !== undefined && others.length === 0) {
    const { state, as, bs } = one;
    if (as.length > 0 && to.kind === "ip") {
      return checked(state, from, to, only(state, "--from", from, as), unseenEnd(to.text));
    }
    if (bs.length > 0 && from.kind === "ip") {
      return checked(state, from, to, unseenEnd(from.text), only(state, "--to", to, bs));
    }
  }
  throw new UsageError(nowhere(found, from, to));
}

function checked(state: BridgeState, from: Asked, to: Asked, a: End, b: End): FoundEnds {
  if (sameEnd(a, b)) {
    throw new UsageError(
      `--from and --to are the same end, ${printable(endPhrase(state, a))}: its frames for itself do not cross the bridge`,
    );
  }
  checkAddresses(from.text, a);
  checkAddresses(to.text, b);
  return { state, a, b };
}

function only(state: BridgeState, option: string, { text }: Asked, ends: readonly End[]): End {
  const [end, ...more] = ends;
  if (end === undefined) throw new Error("an end that nobody looked for");
  if (more.length === 0) return end;
  const choices = ends.map((one) =>
    one.port == null ? `"${state.name}"` : `"port ${one.port.name}": ${endPhrase(state, one)}`,
  );
  throw new UsageError(
    `${option} "${printable(text)}" is at ${ends.length} places of ${bridgeName(state)}, several paths; say which: ${printable(choices.join(", "))}`,
  );
}

function nowhere(found: readonly Looked[], from: Asked, to: Asked): string {
  const [only] = found;
  const at = found.length === 1 && only !== undefined ? bridgeName(only.state) : "any bridge here";
  const unknown = [
    ["--from", from, found.flatMap(({ as }) => as)] as const,
    ["--to", to, found.flatMap(({ bs }) => bs)] as const,
  ].filter(([, , ends]) => ends.length === 0);
  if (unknown.length > 0) {
    const [option, { text, kind, place, looked }] = unknown[0] ?? ["", from];
    const said = `${option} "${printable(text)}"`;
    if (looked !== null) {
      return `${said} is no port of ${at}, and as a namespace: ${looked.message}`;
    }
    if (kind === "name" && place === null) return `${said} is no port of ${at}`;
    if (kind === "name") return `${said} is a network namespace that nothing leads to from ${at}`;
    const how = kind === "mac" ? "the FDB has no entry for it" : "no neighbour table knows it";
    return `${said} is not behind ${at}: no device that is seen there has it, and ${how}`;
  }
  const where = (ends: (looked: Looked) => End[]) =>
    found.flatMap((looked) => (ends(looked).length > 0 ? [bridgeName(looked.state)] : []));
  return `"${printable(from.text)}" and "${printable(to.text)}" are on no common bridge: the first is behind ${where(({ as }) => as).join(" and ")}, the second behind ${where(({ bs }) => bs).join(" and ")}; each of these can be asked about its part of the way`;
}

function bridgeName({ name, place }: BridgeState): string {
  return printable(place.own ? name : `${name} (${place.label})`);
}
