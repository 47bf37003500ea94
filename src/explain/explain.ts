/** What netlink alone can tell of a bridge that floods. */
import { EXPLAIN_SCHEMA, type Explanation, type Note } from "../document/explain.ts";
import { readBridge } from "../live/read-bridge.ts";
import type { BridgeState } from "../live/state.ts";
import { whichBridge } from "../live/which-bridge.ts";
import { UsageError } from "../system/errors.ts";
import { printable } from "../system/printable.ts";
import { writeBundle } from "./bundle.ts";
import { ALL_CAUSES } from "./causes.ts";
import { createMask, namesOf } from "./mask.ts";
import { portVerdicts } from "./ports.ts";

export interface ExplainOptions {
  /** The bridge's name; may be absent where there is just one. */
  bridge?: string | undefined;
  /** Path, PID, name of `ip netns` or container of the namespace that it is in. */
  netns?: string | undefined;
  /** A folder for the state that the explanation rests on; it must not exist yet, or be empty. */
  bundle?: string | undefined;
  /** Writes stand-ins for names and addresses into the bundle. */
  mask?: boolean | undefined;
}

/**
 * Reads a bridge and says what can make it flood, with the command that would stop it. Nothing is changed.
 * Rejected with a UsageError, which lists the bridges that there are, where it is not clear which one is meant.
 */
export async function explainBridge(options: ExplainOptions = {}): Promise<Explanation> {
  const { bridge, netns, bundle: folder } = options;
  if (options.mask === true && folder === undefined) {
    throw new UsageError(
      "--mask is about what a bundle holds; say with --bundle where to write one",
    );
  }
  const [found, ...others] = await whichBridge(bridge, netns);
  if (found === undefined || others.length > 0) {
    const names = [found, ...others].map((one) => `${one?.name} (${one?.place.label})`);
    throw new UsageError(
      `there are ${names.length} bridges, say which: ${printable(names.join(", "))}`,
    );
  }
  const state = await readBridge(found.place, found.ifindex);
  const explanation = explanationOf(state, new Date());
  if (folder !== undefined) {
    const mask = options.mask === true ? createMask(namesOf(state)) : null;
    await writeBundle({ folder, place: state.place, explanation, mask });
  }
  return explanation;
}

function explanationOf(state: BridgeState, time: Date): Explanation {
  const { name, ifindex, place, options } = state;
  return {
    schema: EXPLAIN_SCHEMA,
    time: time.toISOString(),
    bridge: { name, ifindex, namespace: { inode: place.inode, label: place.label }, options },
    probes: false,
    findings: [],
    notes: [...ALL_CAUSES.flatMap((cause) => cause.notes(state)), ...promiscuous(state)],
    ports: portVerdicts(state),
  };
}

function promiscuous(state: BridgeState): Note[] {
  if (state.promiscuity === 0) return [];
  const text = `${state.name} itself is promiscuous: the host gets a copy of every frame, flooded or not; a capture does that while it runs, and so does \`ip link set ${state.name} promisc on\``;
  return [{ cause: null, text, remedy: null }];
}
