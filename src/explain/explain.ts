/** What netlink alone can tell of a bridge that floods. */
import { EXPLAIN_SCHEMA, type Explanation, type Note } from "../document/explain.ts";
import { readBridge } from "../live/read-bridge.ts";
import type { BridgeState } from "../live/state.ts";
import { whichBridge } from "../live/which-bridge.ts";
import { UsageError } from "../system/errors.ts";
import { printable } from "../system/printable.ts";
import { ALL_CAUSES } from "./causes.ts";
import { portVerdicts } from "./ports.ts";

export interface ExplainOptions {
  /** The bridge's name; may be absent where there is just one. */
  bridge?: string | undefined;
  /** Path, PID, name of `ip netns` or container of the namespace that it is in. */
  netns?: string | undefined;
}

/**
 * Reads a bridge and says what can make it flood, with the command that would stop it. Nothing is changed.
 * Rejected with a UsageError, which lists the bridges that there are, where it is not clear which one is meant.
 */
export async function explainBridge({ bridge, netns }: ExplainOptions = {}): Promise<Explanation> {
  const [found, ...others] = await whichBridge(bridge, netns);
  if (found === undefined || others.length > 0) {
    const names = [found, ...others].map((one) => `${one?.name} (${one?.place.label})`);
    throw new UsageError(
      `there are ${names.length} bridges, say which: ${printable(names.join(", "))}`,
    );
  }
  return explanationOf(await readBridge(found.place, found.ifindex), new Date());
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
