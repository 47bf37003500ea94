/** What was lost, flow by flow: drops that were seen, and frames of which no port, or the wrong one, got a copy. */

import type { BridgeState } from "../../bridge/state.ts";
import type { Collected, Flow, KnownFlow, Lost } from "../../live/collect.ts";
import { groupBy } from "../../text/group-by.ts";
import type { Loss, LossContext } from "../causes/loss/cause.ts";
import { passedBy } from "../causes/loss/snooping-no-member.ts";
import { whoseNobody } from "../causes/loss/vxlan-wrong-remote.ts";
import { sum } from "../causes/peak.ts";
import { entriesOf, virtualAddress } from "../causes/whereabouts.ts";
import { type Delivery, portCopies } from "./delivery.ts";

/** A flow's frames by whatever counted them: it may have an entry for a while only. */
interface Account {
  frames: number;
  /** By ports. */
  copies: number;
  /** Frames that have left at least, by ports or to the host. */
  left: number;
  /** Frames of which no port can have got a copy. */
  nowhere: number;
  /** Of most of its frames. */
  most: Flow | KnownFlow;
  /** Those whose bytes were counted. */
  sized: { frames: number; bytes: number };
}

/** With what else was counted of its flow. */
export interface LostFlow extends Loss {
  flow: string;
  /** Of its frames, by ports. */
  copies: number;
  /** The same where it is copies that were lost while others of the same frames left; 0 where it is frames. */
  copiesLeft: number;
  /** Of all frames of the flow, by those of which they were counted; 0 where they were of none. */
  bytes: number;
}

/**
 * One for each flow and each place where the kernel dropped it, and one for each that went nowhere, astray, or past
 * somebody who waits for it, without a drop.
 */
export function lostFlows(context: LossContext, delivery: Delivery): LostFlow[] {
  const { before, state, collected } = context;
  const accounts = accountsOf(collected, Math.max(before.ports.length, state.ports.length));
  const drops = groupBy(
    collected.lost.filter(({ behind }) => !behind),
    keyOf,
  );
  const came = (flow: string, account: Account | undefined) => {
    if (account === undefined) return null;
    // What is dropped before the bridge looks at it is in no other count where functions count.
    const early = sum(drops.get(flow) ?? [], (one) => (one.at === one.port ? one.frames : 0));
    return Math.max(account.frames, account.left + early);
  };
  const counted = (loss: Omit<Loss, "came">): LostFlow => {
    const flow = keyOf(loss);
    const account = accounts.get(flow);
    const all = came(flow, account);
    const isCopies = loss.class !== "unicast" && (loss.behind || loss.at !== loss.port);
    const { bytes = 0, frames = 0 } = account?.sized ?? {};
    const copies = account?.copies ?? 0;
    return {
      ...{ ...loss, flow, came: all, copies },
      copiesLeft: isCopies ? copies : 0,
      bytes: frames === 0 ? 0 : ((all ?? frames) * bytes) / frames,
    };
  };
  const astrayAt = whoseAstray(context, delivery);
  const isCut = mayBeCutAnew(before) || mayBeCutAnew(state);
  const toNobody = whoseNobody(context);
  return [
    ...collected.lost.map(counted),
    ...[...accounts].flatMap(([flow, { copies, nowhere, most }]) => {
      // Fragments leave under another head: such copies are not known to be of this flow.
      if (isCut && copies > 0) return [];
      const frames = nowhere - sum(drops.get(flow) ?? [], (one) => one.frames);
      return frames <= 0 ? [] : [counted(silent(most, frames))];
    }),
    ...collected.known.flatMap((one) => {
      const at = astrayAt(one) ?? toNobody(one);
      const frames = portCopies(one);
      return at === null || frames === 0
        ? []
        : [counted({ ...silent(one, frames), at, behind: true })];
    }),
    ...passedBy(context).map(counted),
  ];
}

type FlowKey = Pick<Flow, "source" | "destination" | "vlan" | "port">;

function keyOf({ source, destination, vlan, port }: FlowKey): string {
  return `${source} ${destination} ${vlan} ${port}`;
}

function accountsOf({ flows, known }: Collected, ports: number): Map<string, Account> {
  const accounts = new Map<string, Account>();
  const add = (flow: Flow | KnownFlow, left: number, bytes: number | null) => {
    const { frames } = flow;
    const copies = portCopies(flow);
    const before = accounts.get(keyOf(flow));
    const sized = before?.sized ?? { frames: 0, bytes: 0 };
    accounts.set(keyOf(flow), {
      frames: (before?.frames ?? 0) + frames,
      copies: (before?.copies ?? 0) + copies,
      left: (before?.left ?? 0) + Math.min(frames, left),
      nowhere: (before?.nowhere ?? 0) + Math.max(0, frames - copies),
      most: before === undefined || frames > before.most.frames ? flow : before.most,
      sized: bytes === null ? sized : { frames: sized.frames + frames, bytes: sized.bytes + bytes },
    });
  };
  // Of a flooded frame each port gets a copy.
  for (const flow of flows) add(flow, Math.ceil(portCopies(flow) / Math.max(1, ports)), flow.bytes);
  for (const flow of known) add(flow, flow.copies, null);
  return accounts;
}

/** Connection tracking puts fragments together and cuts the whole anew. */
function mayBeCutAnew({ netfilterCalls }: BridgeState): boolean {
  return netfilterCalls?.ip === true || netfilterCalls?.ip6 === true;
}

/** Frames of a flow of which nobody saw a drop. */
function silent(flow: Flow | KnownFlow, frames: number): Omit<Loss, "came"> {
  const { port, source, destination, vlan } = flow;
  const none = {
    ...{ steps: [], firstNs: 0, sourcePort: null, destinationPort: null },
    addresses: { source: null, destination: null, protocol: null },
  };
  return {
    class: "class" in flow ? lostClass(flow) : "unicast",
    ...{ port, source, destination, vlan, frames, at: port, behind: false },
    ...{ where: null, reason: null, longest: 0 },
    ...("class" in flow ? headerOf(flow) : none),
  };
}

function lostClass({ class: kind }: Flow): Lost["class"] {
  return kind === "unknownUnicast" ? "unicast" : kind;
}

function headerOf(flow: Flow): Pick<Loss, "steps" | "firstNs" | "addresses"> & Ports {
  const { steps, firstNs, addresses, sourcePort, destinationPort } = flow;
  const nowhere = steps.map(({ endMs, frames, copies }) => ({
    ...{ endMs, frames: Math.max(0, frames - copies), copies: 0 },
  }));
  return { steps: nowhere, firstNs, addresses, sourcePort, destinationPort };
}

type Ports = Pick<Loss, "sourcePort" | "destinationPort">;

/**
 * The port that the FDB has had a flow's destination at, all of the time, while that is seen to live behind others alone;
 * null where it is not so.
 */
function whoseAstray(
  { before, state, collected }: LossContext,
  delivery: Delivery,
): (flow: KnownFlow) => number | null {
  return ({ destination, vlan, port }) => {
    const lives = delivery.seenAt(destination);
    if (lives.length === 0 || virtualAddress(destination) !== null) return null;
    if (delivery.isHosts(destination)) return null;
    const had = [before.entries, collected.homes, state.entries].flatMap((entries) =>
      entriesOf<{ address: string; vlan: number; port: number }>(entries, destination, vlan).map(
        (entry) => entry.port,
      ),
    );
    const [at, ...others] = new Set(had);
    if (at === undefined || others.length > 0 || at === port) return null;
    // Whoever has taught the bridge that meanwhile sends with that address, and may be who it is for.
    if (entriesOf(before.entries, destination, vlan).length === 0) return null;
    if (collected.moves.some((one) => one.address === destination && one.port === at)) return null;
    return lives.includes(at) ? null : at;
  };
}
