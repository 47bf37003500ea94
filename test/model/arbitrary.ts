import fc from "fast-check";
import {
  type BridgeConfig,
  HOST,
  type PortChange,
  type PortConfig,
  type PortId,
  type PortState,
  type StaticEntry,
} from "./bridge.ts";
import type { Scenario, Step } from "./steps.ts";

export interface ScenarioOptions {
  ports: number;
  /** Three bytes, such as `02:ab:cd`; every valid unicast address starts with them. */
  macPrefix: string;
  /** Locked ports too: only for a lab whose kernel has them (5.18 and later). Default false. */
  locked?: boolean;
  /** A bridge that filters VLANs, with members of VLAN 1 and others. Default false. */
  vlan?: boolean;
}

/** The addresses that a scenario draws from; few, so that they meet again and again. */
interface Pool {
  ports: PortId[];
  /** One for each port and two more, which roam. */
  hosts: string[];
  /** The bridge's own and those of its ports. */
  own: string[];
}

const BROADCAST = "ff:ff:ff:ff:ff:ff";
const GROUPS = ["01:00:5e:01:02:03", "33:33:00:00:00:16", "01:80:c2:00:00:10", "01:0b:22:33:44:55"];
const RESERVED = Array.from({ length: 16 }, (_, group) => `01:80:c2:00:00:0${group.toString(16)}`);
const STP_GROUP = "01:80:c2:00:00:00";
const PAUSE_GROUP = "01:80:c2:00:00:01";
const LLDP_GROUP = "01:80:c2:00:00:0e";
const INVALID_SOURCES = ["01:00:5e:01:02:03", "00:00:00:00:00:00", BROADCAST];

/** The default (none), LLDP alone, and all that br_changelink lets through. */
const GROUP_FWD_MASKS = [0, 0x4000, 0xfff8];

/**
 * A bridge and what happens to it. One port, not always the same, stays forwarding throughout (see
 * BridgeConfig), and every frame that the bridge takes in carries the prefix in an address.
 */
export function arbitraryScenario(options: ScenarioOptions): fc.Arbitrary<Scenario> {
  const pool = createPool(options);
  const { locked = false, vlan = false } = options;
  return fc.constantFrom(...pool.ports).chain((anchor) =>
    fc.record({
      config: arbitraryConfig(pool, anchor, locked).chain((config) =>
        vlan ? withVlans(config) : fc.constant(config),
      ),
      steps: fc.array(arbitraryStep(pool, anchor, locked), {
        minLength: 1,
        maxLength: 40,
        size: "max",
      }),
    }),
  );
}

function createPool({ ports, macPrefix }: ScenarioOptions): Pool {
  const address = (kind: number, index: number) =>
    [macPrefix.toLowerCase(), ...[0, kind, index].map((byte) => hex(byte))].join(":");
  const indexes = Array.from({ length: ports }, (_, index) => index + 1);
  return {
    ports: indexes.map((index) => `p${index}`),
    hosts: [...indexes, ports + 1, ports + 2].map((index) => address(0x0a, index)),
    own: [address(0xff, 0), ...indexes.map((index) => address(0x01, index))],
  };
}

function arbitraryConfig(pool: Pool, anchor: PortId, locked: boolean): fc.Arbitrary<BridgeConfig> {
  const [address = "", ...portAddresses] = pool.own;
  const ports = pool.ports.map((id, index) =>
    arbitraryPort(portAddresses[index] ?? "", id === anchor, locked).map((port) => [id, port]),
  );
  return fc.record({
    address: fc.constant(address),
    ports: fc
      .tuple(...ports)
      .map((entries): Record<PortId, PortConfig> => Object.fromEntries(entries)),
    promiscuous: mostly(false, 5),
    up: fc.constant<true>(true),
    ageingTimeMs: fc.oneof(
      { weight: 9, arbitrary: fc.constant(300_000) },
      { weight: 1, arbitrary: fc.constant(0) },
    ),
    stp: fc.constant<false>(false),
    groupFwdMask: fc.constantFrom(...GROUP_FWD_MASKS),
    mcastSnooping: fc.boolean(),
    staticEntries: arbitraryStaticEntries(pool),
  });
}

function arbitraryPort(
  address: string,
  isAnchor: boolean,
  locked: boolean,
): fc.Arbitrary<PortConfig> {
  return fc.record({
    state: isAnchor ? fc.constant<PortState>("forwarding") : arbitraryState(),
    learning: mostly(true, 6),
    flood: mostly(true, 6),
    mcastFlood: mostly(true, 5),
    bcastFlood: mostly(true, 5),
    isolated: mostly(false, 4),
    hairpin: mostly(false, 4),
    ...(locked ? { locked: mostly(false, 8) } : {}),
    address: fc.constant(address),
  });
}

/** Some are no members of VLAN 1; an entry in it can be made at members only. */
function withVlans(config: BridgeConfig): fc.Arbitrary<BridgeConfig> {
  const ids = Object.keys(config.ports);
  const members = fc.tuple(...ids.map(() => mostly(true, 5)));
  return fc.tuple(members, mostly(true, 6)).map(([flags, hostVlanMember]) => {
    const ports = ids.map((id, index) => [
      id,
      { ...config.ports[id], vlanMember: flags[index] ?? true },
    ]);
    const isOutside = (id: PortId) =>
      id === HOST ? !hostVlanMember : flags[ids.indexOf(id)] === false;
    return {
      ...config,
      vlanFiltering: true,
      hostVlanMember,
      ports: Object.fromEntries(ports),
      staticEntries: config.staticEntries.filter(({ port }) => !isOutside(port)),
    };
  });
}

function arbitraryStaticEntries(pool: Pool): fc.Arbitrary<StaticEntry[]> {
  const entry = fc.record({
    address: fc.constantFrom(...pool.hosts),
    port: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...pool.ports) },
      { weight: 1, arbitrary: fc.constant(HOST) },
    ),
  });
  return fc.uniqueArray(entry, { maxLength: 2, selector: ({ address }) => address });
}

function arbitraryStep(pool: Pool, anchor: PortId, locked: boolean): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 60, arbitrary: arbitraryFrame(pool) },
    { weight: 12, arbitrary: arbitraryTransmit(pool) },
    { weight: 12, arbitrary: arbitrarySetPort(pool, anchor, locked) },
    { weight: 2, arbitrary: fc.constant<Step>({ kind: "flush" }) },
  );
}

function arbitraryFrame(pool: Pool): fc.Arbitrary<Step> {
  const port = fc.constantFrom(...pool.ports);
  const destination = arbitraryDestination(pool);
  const unicast = fc.constantFrom(...pool.hosts, ...pool.own);
  const atHome = fc
    .nat({ max: pool.ports.length - 1 })
    .chain((index) =>
      frame(
        fc.constantFrom(...pool.ports.slice(index, index + 1)),
        fc.constantFrom(...pool.hosts.slice(index, index + 1)),
        destination,
      ),
    );
  return fc.oneof(
    { weight: 16, arbitrary: atHome },
    { weight: 6, arbitrary: frame(port, fc.constantFrom(...pool.hosts), destination) },
    { weight: 2, arbitrary: frame(port, fc.constantFrom(...pool.own), destination) },
    { weight: 1, arbitrary: frame(port, fc.constantFrom(...INVALID_SOURCES), unicast) },
  );
}

function frame(
  port: fc.Arbitrary<PortId>,
  source: fc.Arbitrary<string>,
  destination: fc.Arbitrary<string>,
): fc.Arbitrary<Step> {
  return fc.record({ kind: fc.constant<"frame">("frame"), port, source, destination });
}

function arbitraryTransmit(pool: Pool): fc.Arbitrary<Step> {
  return fc.record(
    {
      kind: fc.constant<"transmit">("transmit"),
      source: fc.constantFrom(...pool.hosts, ...pool.own),
      destination: arbitraryDestination(pool),
    },
    { requiredKeys: ["kind", "destination"] },
  );
}

function arbitraryDestination(pool: Pool): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 16, arbitrary: fc.constantFrom(...pool.hosts) },
    { weight: 3, arbitrary: fc.constantFrom(...pool.own) },
    { weight: 2, arbitrary: fc.constant(BROADCAST) },
    { weight: 3, arbitrary: fc.constantFrom(...GROUPS) },
    { weight: 2, arbitrary: fc.constantFrom(...RESERVED) },
    { weight: 1, arbitrary: fc.constantFrom(STP_GROUP, PAUSE_GROUP, LLDP_GROUP) },
  );
}

function arbitrarySetPort(pool: Pool, anchor: PortId, locked: boolean): fc.Arbitrary<Step> {
  const flags: (keyof PortChange)[] = [
    "learning",
    "flood",
    "mcastFlood",
    "bcastFlood",
    "isolated",
    "hairpin",
    ...(locked ? (["locked"] as const) : []),
  ];
  const flagChange = fc
    .tuple(fc.constantFrom(...flags), fc.boolean())
    .map(([flag, value]): PortChange => ({ [flag]: value }));
  const stateChange = arbitraryState().map((state): PortChange => ({ state }));
  const movable = pool.ports.filter((id) => id !== anchor);
  const setPort = (ports: PortId[], change: fc.Arbitrary<PortChange>) =>
    fc.record({ kind: fc.constant<"setPort">("setPort"), port: fc.constantFrom(...ports), change });
  if (movable.length === 0) return setPort(pool.ports, flagChange);
  return fc.oneof(setPort(pool.ports, flagChange), setPort(movable, stateChange));
}

function arbitraryState(): fc.Arbitrary<PortState> {
  return fc.oneof(
    { weight: 14, arbitrary: fc.constant<PortState>("forwarding") },
    { weight: 2, arbitrary: fc.constant<PortState>("learning") },
    {
      weight: 2,
      arbitrary: fc.constantFrom<PortState[]>("disabled", "listening", "blocking"),
    },
  );
}

/** `value` all but once in `oneIn` times; shrinks towards `value`. */
function mostly(value: boolean, oneIn: number): fc.Arbitrary<boolean> {
  return fc.oneof(
    { weight: oneIn - 1, arbitrary: fc.constant(value) },
    { weight: 1, arbitrary: fc.constant(!value) },
  );
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
