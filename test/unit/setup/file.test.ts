import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTopologyFile, resolveTopology } from "../../../src/setup/file.ts";
import { UsageError } from "../../../src/system/errors.ts";

const GOOD = `network: 10.1.0.0/24
mtu: 9000
ipv6: 0
nf_call: 1
bridge: { ageing_time: 5s, mcast_snooping: 0 }
hosts:
  - { name: web, address: 10.1.0.10/24, port: { isolated: 1, hairpin: "0" } }
  - name: db
  - { name: quiet, address: null }
  - { name: cache }
address: 10.1.0.2/24
fdb:
  - { address: "02:00:00:00:00:AB", host: web }
`;

test("a file says everything there is to say", () => {
  expect(parseTopologyFile(GOOD, "shop.yaml")).toEqual({
    label: "shop.yaml",
    kind: "bridge",
    mtu: 9000,
    ipv6: false,
    hosts: [
      {
        name: "web",
        device: "eth0",
        address: "10.1.0.10/24",
        port: { isolated: "on", hairpin: "off" },
      },
      { name: "db", device: "eth0", address: "10.1.0.1/24", port: {} },
      { name: "quiet", device: "eth0", address: null, port: {} },
      { name: "cache", device: "eth0", address: "10.1.0.3/24", port: {} },
    ],
    bridge: {
      name: "br0",
      inSeries: 1,
      options: { ageing_time: "500", mcast_snooping: "0" },
      nfCall: true,
      address: "10.1.0.2/24",
      fill: {},
      fdb: [{ address: "02:00:00:00:00:ab", host: "web" }],
    },
  });
});

test("two names are enough", () => {
  const { hosts } = parseTopologyFile("hosts: [{ name: a }, { name: b }]", "x.yml", {
    network: "192.168.1.0/24",
  });
  expect(hosts.map((host) => host.address)).toEqual(["192.168.1.1/24", "192.168.1.2/24"]);
});

describe("what is wrong is said with its line", () => {
  const swap = (from: string, to: string) => GOOD.replace(from, to);
  test.each<[string, string, RegExp]>([
    [
      "an unknown field",
      swap("mtu:", "mtuu:"),
      /^x.yaml:2: unknown field "mtuu"; known are network, mtu, ipv6, nf_call, fdb_entries, nft_rules, vlans, bridge, hosts, address, fdb$/,
    ],
    [
      "of a host",
      swap("name: db", "name: db\n    port: {}\n    colour: red"),
      /^x.yaml:10: hosts.1: unknown field "colour"; known are name, address, port$/,
    ],
    [
      "a misspelt one that is needed",
      swap("name: db", "nam: db"),
      /^x.yaml:8: hosts.1: unknown field "nam"/,
    ],
    [
      "of an FDB entry",
      swap("host: web", "host: web, vlan: 1"),
      /^x.yaml:13: fdb.0: unknown field "vlan"; known are address, host$/,
    ],
    [
      "a bridge option",
      swap("ageing_time", "age"),
      /^x.yaml:5: unknown bridge option "age"; known are ageing_time/,
    ],
    ["its value", swap("5s", "5x"), /^x.yaml:5: ageing_time expects a duration/],
    [
      "a port option",
      swap("isolated", "isolate"),
      /^x.yaml:7: unknown port option "isolate"; known are state/,
    ],
    [
      "its value",
      swap("isolated: 1", "isolated: 7"),
      /^x.yaml:7: isolated expects 0 or 1, not "7"/,
    ],
    [
      "a boolean",
      swap("isolated: 1", "isolated: true"),
      /^x.yaml:7: hosts.0.port.isolated: expected a number or a text/,
    ],
    ["an mtu", swap("9000", "big"), /^x.yaml:2: mtu expects/],
    ["a flag", swap("ipv6: 0", "ipv6: 2"), /^x.yaml:3: ipv6 expects 0 or 1/],
    ["a network", swap("10.1.0.0/24", "10.1.0.0"), /^x.yaml:1: expected an IPv4 network/],
    ["a name twice", swap("name: db", "name: web"), /^x.yaml:8: two hosts are called "web"/],
    [
      "the bridge's name",
      swap("name: db", "name: sw"),
      /^x.yaml:8: "sw" is the name of the bridge's own/,
    ],
    ["a name that is none", swap("name: db", "name: ../db"), /^x.yaml:8: a host's name is 1 to 15/],
    ["a long name", swap("name: db", "name: a234567890123456"), /^x.yaml:8: a host's name/],
    ["an option for a name", swap("name: db", "name: -all"), /^x.yaml:8: a host's name/],
    [
      "a name that is a number",
      swap("name: db", "name: 7"),
      /^x.yaml:8: hosts.1.name: expected a name/,
    ],
    [
      "an address without length",
      swap("10.1.0.10/24", "10.1.0.10"),
      /^x.yaml:7: expected an IPv4 unicast address/,
    ],
    [
      "a group address",
      swap("10.1.0.10/24", "224.0.0.1/24"),
      /^x.yaml:7: expected an IPv4 unicast address/,
    ],
    ["an address twice", swap("10.1.0.10/24", "10.1.0.2/24"), /^x.yaml:7: 10.1.0.2 is given twice/],
    [
      "a group MAC",
      swap("02:00:00:00:00:AB", "03:00:00:00:00:ab"),
      /^x.yaml:13: expected a unicast link-layer address/,
    ],
    [
      "a short MAC",
      swap("02:00:00:00:00:AB", "02:00:00:00:ab"),
      /^x.yaml:13: expected a unicast link-layer/,
    ],
    [
      "a MAC twice",
      `${GOOD}  - { address: "02:00:00:00:00:ab", host: db }\n`,
      /^x.yaml:14: 02:\S+ has two entries/,
    ],
    [
      "an unknown host",
      swap("host: web", "host: wob"),
      /^x.yaml:13: there is no host "wob"; hosts are web, db, quiet, cache/,
    ],
    ["one host", "hosts: [{ name: a }]", /^x.yaml:1: hosts expects 2 to 1023/],
    ["no hosts", "mtu: 1500", /^x.yaml:1: hosts: expected a list of hosts/],
    [
      "a host that is a text",
      "hosts:\n  - a\n  - b",
      /^x.yaml:2: hosts.0: expected a host, such as/,
    ],
    ["nothing", "", /^x.yaml:1: expected a topology/],
    ["a list", "- a", /^x.yaml:1: expected a topology/],
    ["a field twice", swap("ipv6: 0", "mtu: 1500"), /^x.yaml:3: Map keys must be unique/],
    ["broken YAML", swap("hosts:", "hosts: ["), /^x.yaml:\d+: /],
    [
      "an alias bomb",
      `a: &a [${"x,".repeat(50)}]\nb: &b [${"*a,".repeat(50)}]\nc: [${"*b,".repeat(50)}]`,
      /^x.yaml:1: /,
    ],
    [
      "too few addresses",
      swap("10.1.0.0/24", "10.1.0.0/30"),
      /^x.yaml:10: 10.1.0.0\/30 holds 2 hosts/,
    ],
  ])("%s", (_what, text, sentence) => {
    const parse = () => parseTopologyFile(text, "x.yaml");
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(sentence);
  });

  test("a name from outside cannot reach the terminal raw", () => {
    const control = String.fromCharCode(27);
    expect(() => parseTopologyFile(`"${control}[2J": 1`, `x${control}.yaml`)).toThrow(
      /^[\x20-\x7e]*$/,
    );
  });
});

describe("a topology by name", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "bridgescope-yaml-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is a word or a path", () => {
    const file = path.join(folder, "shop.yml");
    writeFileSync(file, GOOD);
    expect(resolveTopology(file)).toMatchObject({ label: file, mtu: 9000 });
    expect(resolveTopology("bridge:2", { network: "10.0.0.0/8" }).hosts[0]?.address).toBe(
      "10.0.0.1/8",
    );
  });

  test("must be readable", () => {
    const inside = (name: string) => path.join(folder, name);
    mkdirSync(inside("folder.yaml"));
    writeFileSync(inside("large.yaml"), "#".repeat(1024 * 1024 + 1));
    expect(() => resolveTopology(inside("none.yaml"))).toThrow(
      /none.yaml cannot be read: .*no such/,
    );
    expect(() => resolveTopology(inside("folder.yaml"))).toThrow(/is no regular file/);
    expect(() => resolveTopology(inside("large.yaml"))).toThrow(/larger than/);
  });
});
