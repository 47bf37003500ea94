import { UsageError } from "../system/errors.ts";
import { addressAt, type Network, parseNetwork } from "./network.ts";
import {
  BRIDGE_OPTIONS,
  bridgeOption,
  FILL_NAMES,
  fillOption,
  flag,
  LAB_OPTIONS,
} from "./options.ts";
import {
  type BridgeSpec,
  DEFAULT_NETWORK,
  MAX_CHAIN,
  MAX_PORTS,
  type TopologySpec,
} from "./spec.ts";

const KNOWN =
  "netns, veth, bridge:N (N from 2 to 1023), chain:K (K bridges in series, 1 to 32), or a YAML file (a path that ends in .yaml or .yml); bench also takes external and attach:<a>,<b>";

export interface TopologyDefaults {
  /** IPv4 network that hosts take their addresses from. */
  network?: string;
}

export function isTopologyFile(text: string): boolean {
  return /\.ya?ml$/.test(text);
}

/** Reads `netns`, `veth`, `bridge:N` or `chain:K`, each with options: `bridge:8,ageing_time=5s,nf_call=1`. */
export function parseTopology(text: string, defaults: TopologyDefaults = {}): TopologySpec {
  const [head = "", ...words] = text.split(",");
  const network = parseNetwork(defaults.network ?? DEFAULT_NETWORK);
  const spec = skeleton(head, network);
  for (const word of words) applyOption(spec, word);
  return { ...spec, label: text };
}

function skeleton(head: string, network: Network): TopologySpec {
  const common = { label: head, bridge: null, mtu: null, ipv6: false };
  if (head === "netns") {
    return {
      ...common,
      kind: "netns",
      hosts: [{ name: "h1", device: "lo", address: null, port: {} }],
    };
  }
  if (head === "veth") {
    const hosts = ["A", "B"].map((name, index) => ({
      name,
      device: `veth${index}`,
      address: addressAt(network, index + 1),
      port: {},
    }));
    return { ...common, kind: "veth", hosts };
  }
  if (/^(external|attach)(:|$)/.test(head)) {
    throw new UsageError(`${head} is a network to measure, for \`bench\`, and no lab to keep`);
  }
  const [, inSeries] = /^chain:(\d+)$/.exec(head) ?? [];
  if (inSeries !== undefined) return chain(head, Number(inSeries), network);
  const match = /^bridge:(\d+)$/.exec(head);
  if (match === null) throw new UsageError(`unknown topology "${head}"; known are ${KNOWN}`);
  const count = Number(match[1]);
  if (count < 2 || count > MAX_PORTS) {
    throw new UsageError(
      `bridge:${match[1]} is out of range: a Linux bridge has at most ${MAX_PORTS} ports and a lab at least 2`,
    );
  }
  return { ...common, kind: "bridge", hosts: hostsOf(count, network), bridge: plainBridge(1) };
}

function chain(head: string, inSeries: number, network: Network): TopologySpec {
  if (inSeries < 1 || inSeries > MAX_CHAIN) {
    throw new UsageError(`${head} is out of range: a chain has 1 to ${MAX_CHAIN} bridges`);
  }
  return {
    ...{ label: head, kind: "chain", mtu: null, ipv6: false },
    hosts: hostsOf(2, network),
    bridge: plainBridge(inSeries),
  };
}

function hostsOf(count: number, network: Network): TopologySpec["hosts"] {
  return Array.from({ length: count }, (_, index) => ({
    name: `h${index + 1}`,
    device: "eth0",
    address: addressAt(network, index + 1),
    port: {},
  }));
}

function plainBridge(inSeries: number): BridgeSpec {
  const common = { options: {}, nfCall: false, address: null, fill: {}, fdb: [] };
  return { name: "br0", inSeries, ...common };
}

function applyOption(spec: TopologySpec, word: string): void {
  const [name = "", value = "", ...rest] = word.split("=");
  if (!word.includes("=") || rest.length > 0) {
    throw new UsageError(`a topology option reads name=value, not "${word}"`);
  }
  setLabOption(spec, name, value);
}

/** Sets one option by its command-line name; YAML files use the same names. */
export function setLabOption(spec: TopologySpec, name: string, value: string): void {
  if (name === "mtu") {
    const mtu = Number(value);
    if (!/^\d+$/.test(value) || mtu < 68 || mtu > 65535) {
      throw new UsageError(`mtu expects a whole number of bytes from 68 to 65535, not "${value}"`);
    }
    spec.mtu = mtu;
    return;
  }
  if (name === "ipv6") {
    spec.ipv6 = flag(name, value);
    return;
  }
  if (spec.bridge === null) {
    throw new UsageError(`"${name}" is no option of ${spec.kind}; it takes mtu and ipv6`);
  }
  if (name === "nf_call") {
    spec.bridge.nfCall = flag(name, value);
    return;
  }
  const fill = FILL_NAMES.find((known) => known === name);
  if (fill !== undefined) {
    if (spec.kind === "chain") throw new UsageError(`"${name}" fills one bridge, and no chain`);
    spec.bridge.fill[fill] = fillOption(name, value);
    return;
  }
  if (!Object.hasOwn(BRIDGE_OPTIONS, name)) {
    const known = [...LAB_OPTIONS, ...Object.keys(BRIDGE_OPTIONS)].join(", ");
    throw new UsageError(`unknown topology option "${name}"; known are ${known}`);
  }
  spec.bridge.options[name] = bridgeOption(name, value);
}
