import type { ProbeSession } from "../../../src/probes/bpftrace.ts";
import { seedMirror } from "../../../src/probes/mirror.ts";
import type { BuiltLab } from "../../../src/setup/lab.ts";
import { SWITCH } from "../../../src/setup/plan.ts";
import {
  type BridgeConfig,
  type FdbEntry,
  HOST,
  type PortChange,
  type PortId,
  type PortState,
} from "../../model/bridge.ts";

/** The only VLAN of a lab that filters them: its ports' PVID. */
const VLAN = 1;

/** An FDB entry, as the kernel and the model both know it. */
export type Entry = Omit<FdbEntry, "updatedMs">;

const STATES: Record<PortState, number> = {
  disabled: 0,
  listening: 1,
  learning: 2,
  forwarding: 3,
  blocking: 4,
};
const FLAGS: Record<Exclude<keyof PortChange, "state">, string> = {
  learning: "learning",
  flood: "flood",
  mcastFlood: "mcast_flood",
  bcastFlood: "bcast_flood",
  isolated: "isolated",
  hairpin: "hairpin",
  locked: "locked",
};

/** `bridge link set` lines for a change of one port. */
export function portLines(port: PortId, change: PortChange): string[] {
  const { state, ...flags } = change;
  const words = Object.entries(FLAGS).flatMap(([key, word]) => {
    const value = flags[key as keyof typeof FLAGS];
    return value === undefined ? [] : [word, value ? "on" : "off"];
  });
  return [
    ...(words.length === 0 ? [] : [`link set dev ${port} ${words.join(" ")}`]),
    ...(state === undefined ? [] : [`link set dev ${port} state ${STATES[state]}`]),
  ];
}

export async function batch(lab: BuiltLab, tool: "ip" | "bridge", lines: string[]): Promise<void> {
  if (lines.length === 0) return;
  await lab.site.runOk(tool, ["-batch", "-"], {
    namespace: SWITCH,
    input: `${lines.join("\n")}\n`,
  });
}

/**
 * Makes the lab what the configuration says, whatever was there. `statics` are the last one's, and
 * `outside` who was no member of the VLAN; returns who is none now.
 */
export async function configure(
  lab: BuiltLab,
  config: BridgeConfig,
  statics: readonly Entry[],
  outside: ReadonlySet<PortId>,
): Promise<ReadonlySet<PortId>> {
  await batch(lab, "ip", [
    "link set dev br0 type bridge fdb_flush",
    `link set dev br0 type bridge ageing_time ${config.ageingTimeMs / 10} group_fwd_mask ${config.groupFwdMask} mcast_snooping ${Number(config.mcastSnooping)}`,
    `link set dev br0 promisc ${config.promiscuous ? "on" : "off"}`,
  ]);
  const ports = Object.entries(config.ports);
  const vlan = config.vlanFiltering ? ` vlan ${VLAN}` : "";
  const entry = (id: PortId) => (id === HOST ? "br0 self" : `${id} master`);
  const outsiders = outsidersOf(config);
  await batch(lab, "bridge", [
    // All at once first: were no port forwarding for a moment, the bridge would lose its carrier.
    ...ports.map(([id]) => `link set dev ${id} state ${STATES.forwarding}`),
    ...ports.flatMap(([id, { address: _, vlanMember: __, ...settings }]) =>
      portLines(id, settings),
    ),
    ...statics.map(({ address, port }) => `fdb del ${address} dev ${entry(port)}${vlan}`),
    ...vlanLines(outside, outsiders),
    ...config.staticEntries.map(({ address, port }) => {
      const kind = port === HOST ? "permanent" : "static";
      return `fdb add ${address} dev ${entry(port)} ${kind}${vlan}`;
    }),
  ]);
  return outsiders;
}

function outsidersOf({ vlanFiltering, hostVlanMember, ports }: BridgeConfig): Set<PortId> {
  if (!vlanFiltering) return new Set();
  const flags = Object.entries(ports).map(([id, port]) => [id, port.vlanMember] as const);
  const all = [[HOST, hostVlanMember] as const, ...flags];
  return new Set(all.flatMap(([id, isMember]) => (isMember === false ? [id] : [])));
}

function vlanLines(before: ReadonlySet<PortId>, now: ReadonlySet<PortId>): string[] {
  const device = (id: PortId) => (id === HOST ? "br0" : id);
  const self = (id: PortId) => (id === HOST ? " self" : "");
  const joins = [...before].filter((id) => !now.has(id));
  const leaves = [...now].filter((id) => !before.has(id));
  return [
    ...joins.map((id) => `vlan add dev ${device(id)} vid ${VLAN} pvid untagged${self(id)}`),
    ...leaves.map((id) => `vlan del dev ${device(id)} vid ${VLAN}${self(id)}`),
  ];
}

interface ShownEntry {
  mac: string;
  ifname: string;
  master?: string;
  state?: string;
  vlan?: number;
}

/** The VLAN that untagged frames are looked up in; 0 where the bridge knows none. */
export function vlanOf(lab: BuiltLab): number {
  return lab.spec.bridge?.options.vlan_filtering === "1" ? VLAN : 0;
}

/** The bridge's entries for untagged frames. */
export async function readFdb(lab: BuiltLab): Promise<Entry[]> {
  const text = await lab.site.runOk("bridge", ["-j", "fdb", "show", "br", "br0"], {
    namespace: SWITCH,
  });
  const shown: ShownEntry[] = JSON.parse(text);
  return shown
    .filter(({ master, vlan = 0 }) => master === "br0" && vlan === vlanOf(lab))
    .map(({ mac, ifname, state }) => ({
      address: mac,
      port: ifname === "br0" ? HOST : ifname,
      local: state === "permanent",
      permanent: state === "permanent" || state === "static",
    }));
}

export async function seed(
  session: ProbeSession,
  entries: Entry[],
  vlan: number,
  ifindexOf: (id: PortId) => number,
) {
  seedMirror(
    session.child.pid,
    entries.map(({ address, port, local }) => ({
      address,
      vlan,
      port: local ? ("local" as const) : ifindexOf(port),
    })),
  );
}

export interface Counters {
  rx: { packets: number; bytes: number };
  tx: { packets: number; bytes: number };
}

/** Interface counters of the ports and the bridge device, which is `host`. */
export async function readCounters(lab: BuiltLab): Promise<Map<PortId, Counters>> {
  const text = await lab.site.runOk("ip", ["-s", "-j", "link", "show"], { namespace: SWITCH });
  const links: { ifname: string; stats64: Counters }[] = JSON.parse(text);
  return new Map(
    links
      .filter(({ ifname }) => ifname !== "lo")
      .map(({ ifname, stats64 }) => [ifname === "br0" ? HOST : ifname, stats64]),
  );
}
