/**
 * A reference model of the Linux software bridge without STP and MDB entries, for untagged frames
 * that are neither IP, IPv6, ARP nor RARP: which ports a frame leaves by and what is learned
 * from it. Each rule names the function of net/bridge that it comes from.
 */
import { isBroadcast, isGroup, isValidSource, parseAddress, reservedGroup } from "./address.ts";
import { createFdb, type Fdb, type FdbEntry, type Learning } from "./fdb.ts";
import {
  type BridgeConfig,
  type Decision,
  type Frame,
  HOST,
  type HostFrame,
  type Outcome,
  type PortChange,
  type PortConfig,
  type PortId,
  type PortState,
} from "./types.ts";

export type { FdbEntry } from "./fdb.ts";
export type * from "./types.ts";
export { HOST } from "./types.ts";

/** BR_GROUPFWD_RESTRICTED: STP, MAC pause and LACP. */
const RESTRICTED_GROUPS = 0b111;
const PAUSE = 0x01;
const BRIDGE_GROUP = 0x00;

type FloodFlag = "flood" | "mcastFlood" | "bcastFlood";

export interface BridgeModel {
  /** A frame comes in at a port. */
  receive(port: PortId, frame: Frame): Outcome;
  /** The host sends a frame through the bridge device. */
  transmit(frame: HostFrame): Outcome;
  /** Time passes, in milliseconds. */
  advance(ms: number): void;
  /** `bridge link set dev PORT ...` */
  setPort(port: PortId, change: PortChange): void;
  /** `ip link set BR type bridge fdb_flush` */
  flush(): void;
  port(port: PortId): Readonly<PortConfig>;
  entries(): FdbEntry[];
}

export function createBridgeModel(config: BridgeConfig): BridgeModel {
  if ((config.groupFwdMask & RESTRICTED_GROUPS) !== 0) {
    throw new Error(`expected a groupFwdMask without bits 0 to 2, found ${config.groupFwdMask}`);
  }
  const ports = new Map(
    Object.entries(config.ports).map(([id, port]) => [id, settle({ ...port })] as const),
  );
  const fdb = fillFdb(config);
  // br_pass_frame_up: somebody who captures hears even what is not for the bridge's VLAN.
  const hostHears = isMember(config, HOST) || config.promiscuous;

  // __br_handle_local_finish, br_should_learn
  function canLearn(id: PortId, port: PortConfig): boolean {
    return port.learning && passesState(port.state) && isMember(config, id);
  }

  function portOf(id: PortId): PortConfig {
    const port = ports.get(id);
    if (port === undefined) {
      throw new Error(`expected one of the ports ${[...ports.keys()].join(", ")}, found ${id}`);
    }
    return port;
  }

  // br_handle_frame
  function receive(id: PortId, frame: Frame): Outcome {
    const source = parseAddress(frame.source);
    const destination = parseAddress(frame.destination);
    const port = portOf(id);
    if (!isValidSource(source)) return outcome("filtered", []);

    const reserved = reservedGroup(destination);
    if (reserved !== undefined && !forwardsReserved(reserved, config)) {
      if (reserved === PAUSE) return outcome("filtered", []);
      // br_handle_local_finish: the frame is the port device's own from here on, but the bridge
      // learns from it, even on a locked port (unless BROPT_NO_LL_LEARN, not modelled).
      return outcome("filtered", [], canLearn(id, port) ? fdb.learn(source, id) : "unchanged");
    }
    if (!passesState(port.state)) return outcome("filtered", []);
    return finish(id, port, source, destination);
  }

  // br_handle_frame_finish
  function finish(id: PortId, port: PortConfig, source: string, destination: string): Outcome {
    // br_allowed_ingress: a port without a PVID takes no untagged frame.
    if (!isMember(config, id)) return outcome("filtered", []);
    if (port.locked && !isAuthorized(fdb.find(source), id)) return outcome("filtered", []);
    const learning = port.learning ? fdb.learn(source, id) : "unchanged";
    if (port.state === "learning") return outcome("filtered", [], learning);

    if (isGroup(destination)) {
      const [decision, flag] = groupKind(destination);
      const egress = [...floodTargets(flag, id), ...(hostHears ? [HOST] : [])];
      return outcome(egress.length === 0 ? "filtered" : decision, egress, learning);
    }
    const entry = fdb.find(destination);
    if (entry?.local) {
      return hostHears ? outcome("local", [HOST], learning) : outcome("filtered", [], learning);
    }
    const egress = entry ? deliverable([entry.port], id) : floodTargets("flood", id);
    if (config.promiscuous) egress.push(HOST);
    return outcome(unicastDecision(entry, egress), egress, learning);
  }

  // br_dev_xmit
  function transmit(frame: HostFrame): Outcome {
    const destination = parseAddress(frame.destination);
    if (!isMember(config, HOST)) return outcome("filtered", []);
    // Reserved groups get no special treatment here: the host's own are flooded as any multicast.
    if (isGroup(destination)) {
      const [decision, flag] = groupKind(destination);
      const egress = floodTargets(flag, HOST);
      return outcome(egress.length === 0 ? "filtered" : decision, egress);
    }
    const entry = fdb.find(destination);
    // Local entries are not looked at: a frame to a port's own address leaves by that port, one to
    // the bridge's own has no port to go to (br_forward with `to` NULL drops it).
    const egress = entry ? deliverable([entry.port], HOST) : floodTargets("flood", HOST);
    return outcome(unicastDecision(entry, egress), egress);
  }

  // br_flood
  function floodTargets(flag: FloodFlag, from: PortId): PortId[] {
    const isExempt = from === HOST && flag !== "flood";
    const willing = [...ports].filter(([, port]) => isExempt || port[flag]).map(([id]) => id);
    return deliverable(willing, from);
  }

  // should_deliver, br_allowed_egress, br_skb_isolated
  function deliverable(targets: PortId[], from: PortId): PortId[] {
    const fromIsolated = ports.get(from)?.isolated ?? false;
    return targets.filter((id) => {
      const to = ports.get(id);
      if (to === undefined) return false;
      return (
        (to.hairpin || id !== from) &&
        isMember(config, id) &&
        to.state === "forwarding" &&
        !(fromIsolated && to.isolated)
      );
    });
  }

  return {
    receive,
    transmit,
    advance: (ms) => fdb.advance(ms),
    // br_setport changes flags and br_set_port_state the state, and neither touches the FDB: only a
    // port that goes down or leaves the bridge loses its entries (br_stp_disable_port).
    setPort(id, change) {
      settle(Object.assign(portOf(id), change));
    },
    flush: () => fdb.flush(),
    port: portOf,
    entries: () => fdb.entries(),
  };
}

function fillFdb(config: BridgeConfig): Fdb {
  const fdb = createFdb(config.ageingTimeMs);
  // br_vlan_add, nbp_vlan_add: a member's own address is local to its VLAN, and only there.
  const own = Object.entries(config.ports).map(([id, port]) => [id, port.address] as const);
  for (const [id, address] of [[HOST, config.address] as const, ...own]) {
    if (isMember(config, id)) fdb.addLocal(parseAddress(address), id);
  }
  for (const { address, port } of config.staticEntries) {
    if (port !== HOST && !(port in config.ports)) {
      throw new Error(`expected a static entry at a port of the bridge, found ${port}`);
    }
    // br_fdb_add with a VLAN
    if (!isMember(config, port)) {
      throw new Error(`expected a static entry at a member of VLAN 1, found ${port}`);
    }
    fdb.addStatic(parseAddress(address), port);
  }
  return fdb;
}

// br_port_state_selection follows every change of state, and without STP br_make_forwarding turns
// a blocking port into a forwarding one there and then.
function settle(port: PortConfig): PortConfig {
  if (port.state === "blocking") port.state = "forwarding";
  return port;
}

// The switch over dest[5] in br_handle_frame. 00 has to pass while STP is off, so that loops can
// be detected by others.
function forwardsReserved(group: number, config: BridgeConfig): boolean {
  if (group === BRIDGE_GROUP) return true;
  return group !== PAUSE && (config.groupFwdMask & (1 << group)) !== 0;
}

// nbp_state_should_learn has the same states as the switch over p->state in br_handle_frame.
function passesState(state: PortState): boolean {
  return state === "learning" || state === "forwarding";
}

/** Whether untagged frames pass here at all. */
function isMember(config: BridgeConfig, id: PortId): boolean {
  if (!config.vlanFiltering) return true;
  return (id === HOST ? config.hostVlanMember : config.ports[id]?.vlanMember) !== false;
}

// BR_PORT_LOCKED in br_handle_frame_finish, 5.18 and later; MAB (6.2) is not modelled.
function isAuthorized(source: FdbEntry | undefined, port: PortId): boolean {
  return source !== undefined && source.port === port && !source.local;
}

function groupKind(destination: string): [Decision, FloodFlag] {
  return isBroadcast(destination) ? ["broadcast", "bcastFlood"] : ["multicast", "mcastFlood"];
}

function unicastDecision(entry: FdbEntry | undefined, egress: PortId[]): Decision {
  if (egress.length === 0) return "filtered";
  return entry === undefined ? "unknownUnicast" : "knownUnicast";
}

function outcome(decision: Decision, egress: PortId[], learning: Learning = "unchanged"): Outcome {
  return {
    decision,
    egress: egress.toSorted(),
    learned: learning === "learned",
    moved: learning === "moved",
  };
}
