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

/** Makes the lab what the configuration says, whatever was there; `statics` are the last one's. */
export async function configure(
  lab: BuiltLab,
  config: BridgeConfig,
  statics: readonly Entry[],
): Promise<void> {
  await batch(lab, "ip", [
    "link set dev br0 type bridge fdb_flush",
    `link set dev br0 type bridge ageing_time ${config.ageingTimeMs / 10} group_fwd_mask ${config.groupFwdMask} mcast_snooping ${Number(config.mcastSnooping)}`,
    `link set dev br0 promisc ${config.promiscuous ? "on" : "off"}`,
  ]);
  const ports = Object.entries(config.ports);
  await batch(lab, "bridge", [
    // All at once first: were no port forwarding for a moment, the bridge would lose its carrier.
    ...ports.map(([id]) => `link set dev ${id} state ${STATES.forwarding}`),
    ...ports.flatMap(([id, { address: _, ...settings }]) => portLines(id, settings)),
    ...statics.map(({ address, port }) =>
      port === HOST ? `fdb del ${address} dev br0 self` : `fdb del ${address} dev ${port} master`,
    ),
    ...config.staticEntries.map(({ address, port }) =>
      port === HOST
        ? `fdb add ${address} dev br0 self permanent`
        : `fdb add ${address} dev ${port} master static`,
    ),
  ]);
}

interface ShownEntry {
  mac: string;
  ifname: string;
  master?: string;
  state?: string;
}

export async function readFdb(lab: BuiltLab): Promise<Entry[]> {
  const text = await lab.site.runOk("bridge", ["-j", "fdb", "show", "br", "br0"], {
    namespace: SWITCH,
  });
  const shown: ShownEntry[] = JSON.parse(text);
  return shown
    .filter(({ master }) => master === "br0")
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
  ifindexOf: (id: PortId) => number,
) {
  await seedMirror(
    session.child.pid,
    entries.map(({ address, port, local }) => ({
      address,
      vlan: 0,
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
