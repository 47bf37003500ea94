import { readFileSync, statSync } from "node:fs";
import { isIPv4 } from "node:net";
import { z } from "zod";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { type FileText, parseFile } from "./file-text.ts";
import { addressAt, type Network, parseNetwork, withoutPrefix } from "./network.ts";
import { bridgeOption, LAB_OPTIONS, portOption } from "./options.ts";
import { SWITCH } from "./plan.ts";
import {
  type BridgeSpec,
  DEFAULT_NETWORK,
  type HostSpec,
  MAX_PORTS,
  type TopologySpec,
} from "./spec.ts";
import { isTopologyFile, parseTopology, setLabOption, type TopologyDefaults } from "./topology.ts";

type TopologyFile = z.infer<typeof topologyFileSchema>;

const MAX_BYTES = 1024 * 1024;
const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** A topology as a person names it: a word with options, or the path of a YAML file. */
export function resolveTopology(text: string, defaults: TopologyDefaults = {}): TopologySpec {
  return isTopologyFile(text) ? readTopologyFile(text, defaults) : parseTopology(text, defaults);
}

function readTopologyFile(path: string, defaults: TopologyDefaults = {}): TopologySpec {
  return parseTopologyFile(readText(path), path, defaults);
}

/** Reads the text of a topology file; `path` is what errors and the lab's label call it. */
export function parseTopologyFile(
  text: string,
  path: string,
  defaults: TopologyDefaults = {},
): TopologySpec {
  const file = parseFile(text, path, topologyFileSchema);
  const { data } = file;
  const network = file.at(["network"], () =>
    parseNetwork(data.network ?? defaults.network ?? DEFAULT_NETWORK),
  );
  if (data.hosts.length < 2 || data.hosts.length > MAX_PORTS) {
    throw file.fault(
      ["hosts"],
      `hosts expects 2 to ${MAX_PORTS} of them (a Linux bridge has no more ports), not ${data.hosts.length}`,
    );
  }
  const spec: TopologySpec = {
    label: path,
    kind: "bridge",
    hosts: [],
    bridge: {
      name: "br0",
      inSeries: 1,
      options: {},
      nfCall: false,
      address: data.address ?? null,
      fill: {},
      fdb: [],
    },
    mtu: null,
    ipv6: false,
  };
  for (const name of LAB_OPTIONS) {
    const value = data[name];
    if (value !== undefined) file.at([name], () => setLabOption(spec, name, String(value)));
  }
  spec.hosts = readHosts(file, network);
  if (spec.bridge !== null) readBridge(file, spec.hosts, spec.bridge);
  return spec;
}

function readHosts(file: FileText<TopologyFile>, network: Network): HostSpec[] {
  const names = new Set<string>();
  const addresses = new Set<string>();
  const claim = (address: string, at: (string | number)[]) => {
    file.at(at, () => checkAddress(address));
    const bare = withoutPrefix(address);
    if (addresses.has(bare)) throw file.fault(at, `${bare} is given twice`);
    addresses.add(bare);
  };
  if (file.data.address !== undefined) claim(file.data.address, ["address"]);
  file.data.hosts.forEach((host, index) => {
    const at = ["hosts", index, "name"];
    file.at(at, () => checkHostName(host.name));
    if (names.has(host.name)) throw file.fault(at, `two hosts are called "${host.name}"`);
    names.add(host.name);
    if (typeof host.address === "string") claim(host.address, ["hosts", index, "address"]);
  });
  let next = 1;
  const nextFree = () => {
    while (addresses.has(withoutPrefix(addressAt(network, next)))) next++;
    return addressAt(network, next++);
  };
  return file.data.hosts.map((host, index) => ({
    name: host.name,
    device: "eth0",
    address: host.address === undefined ? file.at(["hosts", index], nextFree) : host.address,
    port: Object.fromEntries(
      Object.entries(host.port ?? {}).map(([name, value]) => [
        name,
        file.at(["hosts", index, "port", name], () => portOption(name, String(value))),
      ]),
    ),
  }));
}

function readBridge(file: FileText<TopologyFile>, hosts: HostSpec[], bridge: BridgeSpec): void {
  for (const [name, value] of Object.entries(file.data.bridge ?? {})) {
    bridge.options[name] = file.at(["bridge", name], () => bridgeOption(name, String(value)));
  }
  const known = new Set<string>();
  (file.data.fdb ?? []).forEach((entry, index) => {
    const at = ["fdb", index, "address"];
    const address = entry.address.toLowerCase();
    file.at(at, () => checkUnicast(address));
    if (known.has(address)) throw file.fault(at, `${address} has two entries`);
    known.add(address);
    if (!hosts.some((host) => host.name === entry.host)) {
      throw file.fault(
        ["fdb", index, "host"],
        `there is no host "${printable(entry.host)}"; hosts are ${hosts
          .slice(0, 20)
          .map((host) => host.name)
          .join(", ")}`,
      );
    }
    bridge.fdb.push({ address, host: entry.host });
  });
}

function checkHostName(name: string): void {
  if (!HOST_NAME.test(name)) {
    throw new UsageError(
      `a host's name is 1 to 15 of A-Z, a-z, 0-9, ".", "_" and "-", and starts with a letter or digit; not "${printable(name)}"`,
    );
  }
  if (name === SWITCH) {
    throw new UsageError(`"${SWITCH}" is the name of the bridge's own namespace, no host's`);
  }
}

function checkAddress(address: string): void {
  const [bare = "", prefix = "", ...rest] = address.split("/");
  const first = Number(bare.split(".")[0]);
  const usable = first >= 1 && first <= 223 && first !== 127;
  const bits = Number(prefix);
  if (
    rest.length > 0 ||
    !isIPv4(bare) ||
    !usable ||
    !/^\d{1,2}$/.test(prefix) ||
    bits < 1 ||
    bits > 32
  ) {
    throw new UsageError(
      `expected an IPv4 unicast address with its prefix length, such as 10.1.0.10/24, not "${printable(address)}"`,
    );
  }
}

function checkUnicast(address: string): void {
  const group = (Number.parseInt(address.slice(0, 2), 16) & 1) === 1;
  if (!MAC.test(address) || group || address === "00:00:00:00:00:00") {
    throw new UsageError(
      `expected a unicast link-layer address such as 02:00:00:00:00:01, not "${printable(address)}"`,
    );
  }
}

function readText(path: string): string {
  const named = printable(path);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new UsageError(`${named} is no regular file`);
    if (stat.size > MAX_BYTES) {
      throw new UsageError(`${named} is larger than a topology file can be (1 MiB)`);
    }
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : String(code);
    throw new UsageError(`the topology file ${named} cannot be read: ${reason}`, { cause });
  }
}

/** Values of options are read like those of the command line, so a number and its text are the same. */
const value = z.union([z.string(), z.number()], { error: "expected a number or a text" });
const options = z.record(z.string(), value, { error: "expected options, one name: value a line" });
const text = (what: string) => z.string({ error: `expected ${what}` });
const NETWORK = "an IPv4 network such as 10.1.0.0/24";
const ADDRESS = "an IPv4 address with its prefix length, such as 10.1.0.10/24";

const topologyFileSchema = z.strictObject(
  {
    network: text(NETWORK).optional().describe("Hosts without an address take theirs from it"),
    mtu: value.optional(),
    ipv6: value.optional(),
    nf_call: value.optional(),
    fdb_entries: value.optional(),
    nft_rules: value.optional(),
    vlans: value.optional(),
    bridge: options.optional(),
    hosts: z.array(
      z.strictObject(
        {
          name: text("a name"),
          address: z
            .string({ error: `expected ${ADDRESS}, or null for a host without one` })
            .nullable()
            .optional(),
          port: options.optional(),
        },
        { error: objectError("a host, such as { name: web }") },
      ),
      { error: "expected a list of hosts" },
    ),
    address: text(ADDRESS).optional().describe("The bridge's own"),
    fdb: z
      .array(
        z.strictObject(
          {
            address: text('a link-layer address in quotes, such as "02:00:00:00:00:01"'),
            host: text("the name of a host"),
          },
          { error: objectError('an entry, such as { address: "02:00:00:00:00:01", host: web }') },
        ),
        { error: "expected a list of entries" },
      )
      .optional(),
  },
  { error: objectError("a topology: hosts, and what else there is to say of the bridge") },
);

/** Unknown fields keep an error of their own. */
function objectError(expected: string) {
  return (issue: { code?: string }) =>
    issue.code === "unrecognized_keys" ? undefined : `expected ${expected}`;
}
