import { macAddress } from "./mac.ts";
import type { HostSpec, TopologySpec } from "./spec.ts";

/** One step of a build. `namespace` null is where the site's namespaces are named. */
export type Operation =
  | { kind: "ip" | "bridge"; namespace: string | null; words: string[] }
  | { kind: "sysctl"; namespace: string; key: string; value: string }
  | { kind: "up"; namespace: string; device: string }
  | { kind: "address"; namespace: string; device: string; address: string }
  | { kind: "mark"; namespace: string; device: string; alias: string };

/** How a lab's parts are called; a kept lab's namespaces carry its id, a plan's own need not. */
export interface LabNames {
  id: string;
  namespace(part: string): string;
}

/** The namespace that holds the bridge, or in which a veth pair is made: the lab's own "host". */
export const SWITCH = "sw";

/** The bridge's port that leads to the `index`th host, counted from 0. */
export function portName(index: number): string {
  return `p${index + 1}`;
}

export function aliasOf(id: string): string {
  return `bridgescope:${id}`;
}

/** All steps that build the lab, in order. Pure: the same spec and names give the same plan. */
export function planLab(spec: TopologySpec, names: LabNames): Operation[] {
  const namespaces = namespacesOf(spec).map((part) => names.namespace(part));
  const operations: Operation[] = [];
  for (const namespace of namespaces) ip(operations, null, "netns", "add", namespace);
  for (const namespace of namespaces) {
    operations.push({ kind: "mark", namespace, device: "lo", alias: aliasOf(names.id) });
    if (!spec.ipv6) {
      for (const scope of ["all", "default"]) {
        operations.push({
          kind: "sysctl",
          namespace,
          key: `net.ipv6.conf.${scope}.disable_ipv6`,
          value: "1",
        });
      }
    }
  }
  if (spec.kind === "netns") {
    for (const namespace of namespaces) operations.push({ kind: "up", namespace, device: "lo" });
  }
  if (spec.kind === "veth") planPair(operations, spec, names);
  if (spec.kind === "bridge") planBridge(operations, spec, names);
  return operations;
}

export function namespacesOf(spec: TopologySpec): string[] {
  const hosts = spec.hosts.map((host) => host.name);
  return spec.kind === "netns" ? hosts : [SWITCH, ...hosts];
}

/** Bridge netfilter's switches, one a protocol; a new namespace starts with them on. */
export const NF_CALL_SYSCTLS = ["iptables", "ip6tables", "arptables"].map(
  (table) => `net.bridge.bridge-nf-call-${table}`,
);

function planPair(operations: Operation[], spec: TopologySpec, names: LabNames): void {
  const [a, b] = spec.hosts;
  if (a === undefined || b === undefined) return;
  const inside = names.namespace(SWITCH);
  ip(
    operations,
    inside,
    ...vethWords(spec, a.device, macAddress(names.id, "host", 0)),
    "peer",
    "name",
    b.device,
    "address",
    macAddress(names.id, "host", 1),
    ...mtuWords(spec),
  );
  for (const host of spec.hosts) {
    ip(operations, inside, "link", "set", "dev", host.device, "netns", names.namespace(host.name));
  }
  for (const host of spec.hosts) planHost(operations, host, names);
}

function planBridge(operations: Operation[], spec: TopologySpec, names: LabNames): void {
  const bridge = spec.bridge;
  if (bridge === null) return;
  const inside = names.namespace(SWITCH);
  // With snooping on, the bridge device joins 224.0.0.106 and would report that at a random moment.
  operations.push({
    kind: "sysctl",
    namespace: inside,
    key: "net.ipv4.igmp_link_local_mcast_reports",
    value: "0",
  });
  for (const key of NF_CALL_SYSCTLS) {
    operations.push({ kind: "sysctl", namespace: inside, key, value: bridge.nfCall ? "1" : "0" });
  }
  ip(
    operations,
    inside,
    "link",
    "add",
    "name",
    bridge.name,
    "address",
    macAddress(names.id, "bridge", 0),
    ...mtuWords(spec),
    "type",
    "bridge",
  );
  ip(operations, inside, "link", "set", "dev", bridge.name, "alias", aliasOf(names.id));
  for (const [option, value] of Object.entries(bridge.options)) {
    ip(operations, inside, "link", "set", "dev", bridge.name, "type", "bridge", option, value);
  }
  spec.hosts.forEach((host, index) => {
    const link = vethWords(spec, portName(index), macAddress(names.id, "port", index));
    ip(
      operations,
      inside,
      ...link,
      "peer",
      "name",
      host.device,
      "address",
      macAddress(names.id, "host", index),
      ...mtuWords(spec),
      "netns",
      names.namespace(host.name),
    );
  });
  spec.hosts.forEach((_host, index) => {
    // The kernel drops an alias that is given as a link is made (rtnl_newlink_create).
    const mark = ["alias", aliasOf(names.id)];
    const port = ["dev", portName(index), ...mark, "master", bridge.name, "up"];
    ip(operations, inside, "link", "set", ...port);
  });
  for (const host of spec.hosts) planHost(operations, host, names);
  planPorts(operations, spec, inside);
  operations.push({ kind: "up", namespace: inside, device: "lo" });
  if (bridge.address !== null) {
    operations.push({
      kind: "address",
      namespace: inside,
      device: bridge.name,
      address: bridge.address,
    });
  }
  // Last: a bridge that is up floods every new port's first frames to all that are there already.
  ip(operations, inside, "link", "set", "dev", bridge.name, "up");
  planStates(operations, spec, inside);
  for (const entry of bridge.fdb) {
    const index = spec.hosts.findIndex((host) => host.name === entry.host);
    operations.push({
      kind: "bridge",
      namespace: inside,
      words: ["fdb", "add", entry.address, "dev", portName(index), "master", "static"],
    });
  }
}

function planHost(operations: Operation[], host: HostSpec, names: LabNames): void {
  const namespace = names.namespace(host.name);
  operations.push({ kind: "mark", namespace, device: host.device, alias: aliasOf(names.id) });
  operations.push({ kind: "up", namespace, device: "lo" });
  if (host.address !== null) {
    operations.push({ kind: "address", namespace, device: host.device, address: host.address });
  }
  operations.push({ kind: "up", namespace, device: host.device });
  // A neighbour that is asked again in the middle of a window would be traffic nobody sent.
  for (const [key, value] of [
    ["base_reachable_time_ms", "3600000"],
    ["delay_first_probe_time", "3600"],
  ] as const) {
    operations.push({
      kind: "sysctl",
      namespace,
      key: `net.ipv4.neigh.${host.device}.${key}`,
      value,
    });
  }
}

function planPorts(operations: Operation[], spec: TopologySpec, inside: string): void {
  spec.hosts.forEach((host, index) => {
    const words = Object.entries(host.port)
      .filter(([option]) => option !== "state")
      .flat();
    if (words.length > 0) {
      ip(
        operations,
        inside,
        "link",
        "set",
        "dev",
        portName(index),
        "type",
        "bridge_slave",
        ...words,
      );
    }
  });
}

/** A port's state can be set only once the bridge is up: that is when it enables its ports. */
function planStates(operations: Operation[], spec: TopologySpec, inside: string): void {
  spec.hosts.forEach((host, index) => {
    const state = host.port.state;
    if (state !== undefined) {
      ip(
        operations,
        inside,
        "link",
        "set",
        "dev",
        portName(index),
        "type",
        "bridge_slave",
        "state",
        state,
      );
    }
  });
}

function vethWords(spec: TopologySpec, device: string, address: string): string[] {
  return ["link", "add", "name", device, "address", address, ...mtuWords(spec), "type", "veth"];
}

function mtuWords(spec: TopologySpec): string[] {
  return spec.mtu === null ? [] : ["mtu", String(spec.mtu)];
}

function ip(operations: Operation[], namespace: string | null, ...words: string[]): void {
  operations.push({ kind: "ip", namespace, words });
}

/** The command that a person would type for one step. */
export function asCommand(operation: Operation): string {
  switch (operation.kind) {
    case "ip":
    case "bridge": {
      const where = operation.namespace === null ? [] : ["-n", operation.namespace];
      return [operation.kind, ...where, ...operation.words].join(" ");
    }
    case "sysctl":
      return `ip netns exec ${operation.namespace} sysctl -w ${operation.key}=${operation.value}`;
    case "up":
      return `ip -n ${operation.namespace} link set dev ${operation.device} up`;
    case "address":
      return `ip -n ${operation.namespace} address add ${operation.address} broadcast + dev ${operation.device}`;
    case "mark":
      return `ip -n ${operation.namespace} link set dev ${operation.device} alias ${operation.alias}`;
  }
}
