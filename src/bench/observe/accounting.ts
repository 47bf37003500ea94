import type { BridgeAccount, Decisions, Drop, PortAccount } from "../../document/run.ts";
import type { Account, PortTally } from "../../probes/account.ts";
import { type Counters, subtract } from "../../system/counters.ts";

/** A port as the books need it. */
export interface BookPort {
  name: string;
  ifindex: number;
  /** Why the counters mean something else here; null when frames can be compared. */
  notComparable: string | null;
  /** GRO merges frames before the bridge sees them: then only segments compare. */
  unit: "frames" | "segments";
  /** The bridge device: what it sends enters the bridge, what it receives has left it. */
  host: boolean;
}

const NO_COUNTERS: Counters = {
  ...{ rx: 0, tx: 0, rxDropped: 0, txDropped: 0 },
  ...{ rxBytes: 0, txBytes: 0 },
};

/** In bytes; br_pass_frame_up counts a frame from behind it. */
const ETHERNET_HEADER = 14;

/**
 * Sets the probes' account beside the interface counters of the same window, port by port:
 * ingress = rx, and copies + originated = tx + txDropped. What is left over is unaccounted.
 */
export function balance(
  account: Account,
  ports: readonly BookPort[],
  before: ReadonlyMap<string, Counters>,
  after: ReadonlyMap<string, Counters>,
): PortAccount[] {
  return ports.flatMap((port) => {
    const tally = account.ports.get(port.ifindex);
    if (tally === undefined) return [];
    const { rxBytes, txBytes, ...counters } = subtract(
      after.get(port.name) ?? NO_COUNTERS,
      before.get(port.name) ?? NO_COUNTERS,
    );
    return [
      {
        name: port.host ? "host" : port.name,
        ifindex: port.ifindex,
        ingress: tally.ingress,
        egress: tally.egress,
        originated: tally.originated,
        segments: tally.segments,
        bytes: port.host
          ? // The bridge device transmits into the bridge. What it receives it counts without its header.
            { ingress: txBytes, egress: rxBytes + ETHERNET_HEADER * counters.rx }
          : { ingress: rxBytes, egress: txBytes },
        decisions: tally.decisions,
        copies: tally.copies,
        latency: {},
        counters,
        ...flooded(account, port.ifindex),
        closure: close(port, tally, counters),
      },
    ];
  });
}

function flooded(account: Account, ifindex: number): Pick<PortAccount, "considered" | "skipped"> {
  const of = account.flooding?.ports.get(ifindex);
  if (of === undefined) return {};
  return { considered: of.considered, skipped: Math.max(0, of.considered - of.copies) };
}

function close(
  port: BookPort,
  tally: PortTally,
  counters: PortAccount["counters"],
): PortAccount["closure"] {
  if (port.notComparable !== null) {
    return { unit: "notComparable", ingress: 0, egress: 0, reason: port.notComparable };
  }
  // The bridge device transmits into the bridge and receives from it.
  const entered = port.host ? counters.tx : counters.rx;
  const left = port.host ? counters.rx : counters.tx + counters.txDropped;
  const seen =
    port.unit === "segments" ? tally.segments : { ingress: tally.ingress, egress: tally.egress };
  return { unit: port.unit, ingress: seen.ingress - entered, egress: seen.egress - left };
}

/** The bridge's account: its ports' added up. */
export function bridgeAccount(
  account: Account,
  ports: readonly PortAccount[],
  drops: Drop[],
): BridgeAccount {
  const sum = (pick: (port: PortAccount) => number) =>
    ports.reduce((total, port) => total + pick(port), 0);
  const tallies = [...account.ports.values()];
  const total = (pick: (tally: PortTally) => number) =>
    tallies.reduce((all, tally) => all + pick(tally), 0);
  const ingress = sum((port) => port.ingress);
  const copies = sum((port) => port.copies);
  return {
    ingress,
    egress: sum((port) => port.egress),
    originated: sum((port) => port.originated),
    segments: {
      ingress: sum((port) => port.segments.ingress),
      egress: sum((port) => port.segments.egress),
    },
    amplification: ingress === 0 ? null : copies / ingress,
    decisions: addDecisions(ports.map((port) => port.decisions)),
    unattributed: total((tally) => tally.unattributed),
    learned: total((tally) => tally.learned),
    moved: total((tally) => tally.moved),
    aged: account.aged,
    ...(account.flooding === null ? {} : { floods: account.flooding.calls }),
    counters: {
      // What the bridge device sends enters the bridge, as what a port receives does.
      rx: sum((port) => (port.name === "host" ? port.counters.tx : port.counters.rx)),
      tx: sum((port) => (port.name === "host" ? port.counters.rx : port.counters.tx)),
      rxDropped: sum((port) => port.counters.rxDropped),
      txDropped: sum((port) => port.counters.txDropped),
    },
    drops,
    unaccounted: sum((port) => Math.abs(port.closure.ingress) + Math.abs(port.closure.egress)),
  };
}

function addDecisions(all: readonly Decisions[]): Decisions {
  const sum = (name: keyof Decisions) => all.reduce((total, one) => total + one[name], 0);
  return {
    knownUnicast: sum("knownUnicast"),
    unknownUnicast: sum("unknownUnicast"),
    broadcast: sum("broadcast"),
    multicast: sum("multicast"),
    local: sum("local"),
    filtered: sum("filtered"),
  };
}
