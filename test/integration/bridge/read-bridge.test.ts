import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { portOptions } from "../../../src/bridge/bridge-options.ts";
import { placeOf } from "../../../src/bridge/find-namespace.ts";
import { flagNames, readLinks } from "../../../src/bridge/links.ts";
import { BridgeGoneError, readBridge } from "../../../src/bridge/read-bridge.ts";
import type { BridgeState, Upper } from "../../../src/bridge/state.ts";
import { openRouteSocket } from "../../../src/system/netlink.ts";
import { closeNamespace, openPath } from "../../../src/system/netns.ts";
import { run } from "../external/machine.ts";
import { type Home, homes } from "../live/home.ts";

const { add, leave } = homes();
afterEach(leave);

/** A bridge with two ports; the peer of the second is in another namespace. */
async function lab(bridge: string): Promise<{ home: Home; guest: Home }> {
  const [home, guest] = [await add(), await add()];
  home.ip("link", "add", bridge, "type", "bridge");
  const ours = ["type", "veth", "peer", "name", "p1"];
  home.ip("link", "add", "p0", "master", bridge, ...ours);
  const theirs = ["type", "veth", "peer", "name", "eth0", "netns", String(guest.pid)];
  home.ip("link", "add", "p2", "master", bridge, ...theirs);
  for (const device of [bridge, "p0", "p1", "p2"]) home.ip("link", "set", device, "up");
  guest.ip("link", "set", "eth0", "up");
  return { home, guest };
}

const inBridge = (home: Home, ...words: string[]) => run([...home.enter, "bridge", ...words]);

interface Mdb {
  mdb: { port: string; grp: string; src?: string; state: string }[];
  router: unknown;
}
interface Fdb {
  mac: string;
  dst?: string;
  flags?: string[];
}
interface Shown {
  ifname: string;
  ifindex: number;
  address: string;
  flags: string[];
  operstate: string;
  qdisc: string;
  linkinfo?: { info_slave_data?: Record<string, unknown> };
}

const MEMBER = `
const socket = require("node:dgram").createSocket("udp4");
socket.bind(0, () => {
  socket.addMembership(process.argv[1], process.argv[2]);
  console.log("joined");
});
`;

/** A process there that is in the group; the function that comes back ends it. */
async function joined(home: Home, group: string, address: string): Promise<() => Promise<unknown>> {
  const [file = "", ...words] = [...home.enter, process.execPath, "-e", MEMBER, group, address];
  const child = spawn(file, words, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    return ended;
  };
}

function namesOf({ ports, ifindex, name }: BridgeState): Map<number, string> {
  return new Map([[ifindex, name], ...ports.map((port) => [port.ifindex, port.name] as const)]);
}

function groups(state: BridgeState): string[] {
  const names = namesOf(state);
  return state.multicast.members.map(({ group, port }) => `${group} at ${names.get(port)}`);
}

describe("the state of a bridge", () => {
  it("has what ip shows of its options", async () => {
    const { home } = await lab("br$(id)");
    const options = ["ageing_time", "12300", "forward_delay", "700", "mcast_snooping", "0"];
    home.ip("link", "set", "br$(id)", "type", "bridge", ...options);
    const state = await readBridge(await placeOf(String(home.pid)), "br$(id)");
    expect(state).toMatchObject({
      name: "br$(id)",
      ageingMs: 123_000,
      forwardDelayS: 7,
      stp: false,
      mcastSnooping: false,
      mcastQuerier: false,
      vlanFiltering: false,
      pvid: 0,
      up: true,
      topologyChange: false,
    });
    const shown = JSON.parse(home.ip("-d", "-j", "link", "show", "br$(id)"));
    const data: Record<string, unknown> = shown[0].linkinfo.info_data;
    // These tick, or are written in another notation.
    const { gc_timer: _, hello_timer: __, group_fwd_mask: ___, ...same } = data;
    expect(state.options).toMatchObject(same);
    expect(state).toMatchObject({ ifindex: shown[0].ifindex, address: shown[0].address });
  });

  it("has the ports with their flags, and nothing that is not one", async () => {
    const { home } = await lab("br0");
    const flags = ["learning", "off", "flood", "off", "isolated", "on", "hairpin", "on"];
    inBridge(home, "link", "set", "dev", "p0", ...flags);
    home.ip("link", "set", "p2", "down");
    const { ports } = await readBridge(await placeOf(String(home.pid)), "br0");
    expect(ports.map(({ name, state }) => [name, state])).toEqual([
      ["p0", "forwarding"],
      ["p2", "disabled"],
    ]);
    expect(ports[0]?.flags).toEqual({
      learning: false,
      flood: false,
      mcastFlood: true,
      bcastFlood: true,
      hairpin: true,
      isolated: true,
      locked: false,
      neighSuppress: false,
      proxyArp: false,
    });
    expect(ports[0]).toMatchObject({ kind: "veth", mtu: 1500, up: true, carrier: true });
    expect(ports[0]).toMatchObject({ promiscuity: 1, pvid: 0, vlans: [] });
  });

  it("has a port's options and a device's state as ip shows them", async () => {
    const { home } = await lab("br0");
    home.ip("link", "set", "p1", "down");
    home.ip("link", "set", "p2", "type", "bridge_slave", "hairpin", "on", "cost", "7");
    home.ip("link", "set", "p2", "type", "bridge_slave", "group_fwd_mask", "16");
    const shown = JSON.parse(home.ip("-d", "-j", "link", "show")) as Shown[];
    const links = readLinks(await placeOf(String(home.pid)));
    for (const { ifname, flags, operstate, qdisc, linkinfo } of shown) {
      const link = links.find(({ name }) => name === ifname);
      if (link === undefined) throw new Error(`no ${ifname}`);
      // M-DOWN is ip's own finding about the other end.
      expect(flagNames(link)).toEqual(flags.filter((flag) => flag !== "M-DOWN"));
      expect(link).toMatchObject({ operstate, qdisc, xdp: false });
      if (linkinfo?.info_slave_data === undefined) continue;
      // Timers tick, and ip writes the mask as text without saying that it is hexadecimal.
      const { group_fwd_mask: mask, group_fwd_mask_str: _, ...rest } = linkinfo.info_slave_data;
      const same = Object.entries(rest).filter(([name]) => !name.endsWith("_timer"));
      const options = portOptions(link.slaveData);
      expect(options).toMatchObject(Object.fromEntries(same));
      expect(options.group_fwd_mask).toBe(Number.parseInt(String(mask), 16));
      expect(Object.keys(options)).toEqual(
        expect.arrayContaining(Object.keys(rest).filter((name) => name.endsWith("_timer"))),
      );
    }
    expect(links.map(({ operstate }) => operstate)).toContain("LOWERLAYERDOWN");
  });

  it("has the entries that bridge shows", async () => {
    const { home } = await lab("br0");
    inBridge(home, "fdb", "add", "02:00:00:00:00:aa", "dev", "p2", "master", "static");
    inBridge(home, "fdb", "add", "02:00:00:00:00:bb", "dev", "p0", "master", "dynamic");
    const held = ["02:00:00:00:00:ab", "dev", "p2", "master", "static", "sticky"];
    inBridge(home, "fdb", "add", ...held);
    inBridge(home, "fdb", "add", "02:00:00:00:00:cc", "dev", "br0", "self", "local");
    const state = await readBridge(await placeOf(String(home.pid)), "br0");
    const port = (name: string) => state.ports.find((one) => one.name === name)?.ifindex;
    const entry = (address: string) => state.entries.find((one) => one.address === address);
    expect(entry("02:00:00:00:00:aa")).toMatchObject({
      port: port("p2"),
      vlan: 0,
      static: true,
      sticky: false,
      local: false,
    });
    expect(entry("02:00:00:00:00:ab")).toMatchObject({ static: true, sticky: true });
    expect(entry("02:00:00:00:00:bb")).toMatchObject({
      port: port("p0"),
      static: false,
      local: false,
    });
    expect(entry("02:00:00:00:00:bb")?.updatedS).toBeLessThan(60);
    expect(entry("02:00:00:00:00:cc")).toMatchObject({ port: state.ifindex, local: true });
    expect(entry(state.ports[0]?.address ?? "")).toMatchObject({ port: port("p0"), local: true });
    const shown = JSON.parse(inBridge(home, "-j", "fdb", "show", "br", "br0")) as {
      mac: string;
      master?: string;
      ifname: string;
    }[];
    const booked = shown.filter(({ master, ifname, mac }) => master ?? (ifname === "br0" && mac));
    for (const { address } of state.entries)
      expect(booked.map(({ mac }) => mac)).toContain(address);
    expect(new Set(state.entries.map(({ address }) => address)).size).toBe(state.entries.length);
  });

  it("has the neighbours of its namespace and of its peers'", async () => {
    const { home, guest } = await lab("br0");
    home.ip("neigh", "add", "10.0.0.5", "lladdr", "02:00:00:00:00:05", "dev", "br0");
    const reachable = ["nud", "reachable"];
    guest.ip(
      "neigh",
      "add",
      "10.0.0.6",
      "lladdr",
      "02:00:00:00:00:06",
      "dev",
      "eth0",
      ...reachable,
    );
    guest.ip("neigh", "add", "fe80::6", "dev", "eth0", "nud", "failed");
    const { neighbours } = await readBridge(await placeOf(String(home.pid)), "br0");
    const of = (ip: string) =>
      neighbours
        .filter((one) => one.ip === ip)
        .map(({ namespace, device, address, state }) => [namespace.path, device, address, state]);
    expect(of("10.0.0.5")).toEqual([[home.path, "br0", "02:00:00:00:00:05", "permanent"]]);
    expect(of("10.0.0.6")).toEqual([[guest.path, "eth0", "02:00:00:00:00:06", "reachable"]]);
    expect(of("fe80::6")).toEqual([[guest.path, "eth0", null, "failed"]]);
  });

  it("is read under any name, and after it was renamed by its ifindex", async () => {
    const hostile = 'b\x1b[2J"\\';
    const { home } = await lab(hostile);
    const place = await placeOf(String(home.pid));
    const { ifindex, name } = await readBridge(place, hostile);
    expect(name).toBe(hostile);
    home.ip("link", "set", hostile, "name", "other");
    expect((await readBridge(place, ifindex)).name).toBe("other");
    await expect(readBridge(place, hostile)).rejects.toThrow(BridgeGoneError);
  });

  it("counts what was learned, where the kernel does", async () => {
    const { home } = await lab("br0");
    inBridge(home, "fdb", "add", "02:00:00:00:00:bb", "dev", "p0", "master", "dynamic");
    const state = await readBridge(await placeOf(String(home.pid)), "br0");
    const namespace = openPath("home", home.path);
    const socket = openRouteSocket(namespace);
    try {
      // Twice through one socket: what the first left unread must not be taken for an answer.
      for (const _ of [1, 2]) {
        expect(socket.bridgeNumber(state.ifindex, 49)).toBe(state.maxLearned);
      }
      expect(state.learned === null).toBe(state.maxLearned === null);
    } finally {
      socket.close();
      closeNamespace(namespace);
    }
  });

  it("knows groups, routers and queriers as bridge shows them", async () => {
    const { home, guest } = await lab("br0");
    guest.ip("addr", "add", "10.9.0.2/24", "dev", "eth0");
    home.ip("addr", "add", "10.9.0.1/24", "dev", "br0");
    const querier = ["mcast_querier", "1", "mcast_query_use_ifaddr", "1"];
    const state = async () => readBridge(await placeOf(String(home.pid)), "br0");
    expect((await state()).multicast).toMatchObject({ querier: { ip4: null, ip6: null } });
    home.ip("link", "set", "br0", "type", "bridge", ...querier);
    inBridge(home, "link", "set", "dev", "p0", "mcast_router", "2");
    inBridge(home, "mdb", "add", "dev", "br0", "port", "p2", "grp", "239.1.1.9", "permanent");
    const sources = ["grp", "239.1.1.8", "src", "10.9.0.7"];
    inBridge(home, "mdb", "add", "dev", "br0", "port", "p0", ...sources, "permanent");
    inBridge(home, "mdb", "add", "dev", "br0", "port", "p0", "grp", "ff15::7", "permanent");
    inBridge(
      home,
      "mdb",
      "add",
      "dev",
      "br0",
      "port",
      "p0",
      "grp",
      "01:00:5e:7f:00:01",
      "permanent",
    );
    const member = await joined(guest, "239.1.1.1", "10.9.0.2");
    const host = await joined(home, "239.1.1.2", "10.9.0.1");
    try {
      await expect.poll(async () => groups(await state())).toContain("239.1.1.1 at p2");
      await expect.poll(async () => groups(await state())).toContain("239.1.1.2 at br0");
      const seen = await state();
      const [shown] = JSON.parse(inBridge(home, "-j", "-d", "mdb", "show", "dev", "br0")) as [Mdb];
      const [details] = JSON.parse(home.ip("-j", "-d", "link", "show", "br0"));
      const row = ({ port, grp, src, state: kind }: Mdb["mdb"][number]) =>
        `${grp} ${src ?? "any"} ${port} ${kind}`;
      const names = namesOf(seen);
      const members = seen.multicast.members.map(({ group, source, port, permanent }) =>
        row({
          port: names.get(port) ?? "?",
          grp: group,
          ...(source === null ? {} : { src: source }),
          state: permanent ? "permanent" : "temp",
        }),
      );
      expect(members.sort()).toEqual(shown.mdb.map(row).sort());
      expect(members).toContain("239.1.1.8 10.9.0.7 p0 permanent");
      expect(members).toContain("ff15::7 any p0 permanent");
      const routers = seen.multicast.routers.map(({ port }) => names.get(port));
      expect(routers).toEqual(["p0"]);
      expect(seen.multicast.routers).toMatchObject([{ ip4: true, ip6: true }]);
      expect(JSON.stringify(shown.router)).toContain('"p0"');
      expect(details.linkinfo.info_data.mcast_querier).toBe(1);
      expect(seen.multicast.querier).toMatchObject({ ip4: { address: "10.9.0.1", port: null } });
      // Its address for MLD is the one that it has for itself there.
      const [own] = JSON.parse(home.ip("-j", "-6", "addr", "show", "br0"));
      const { ip6 } = seen.multicast.querier ?? {};
      if (ip6)
        expect(own.addr_info.map(({ local }: { local: string }) => local)).toContain(ip6.address);
    } finally {
      await member();
      await host();
    }
  });

  it("knows a querier that is heard on a port, and that none is told without snooping", async () => {
    const { home, guest } = await lab("br0");
    const state = async () => readBridge(await placeOf(String(home.pid)), "br0");
    // A bridge with a querier behind the second port; its queries leave by eth0.
    guest.ip("link", "add", "br1", "type", "bridge", "mcast_querier", "1");
    guest.ip("link", "set", "br1", "type", "bridge", "mcast_query_use_ifaddr", "1");
    guest.ip("addr", "add", "10.9.0.2/24", "dev", "br1");
    guest.ip("link", "set", "br1", "address", "02:00:00:00:00:99");
    guest.ip("link", "set", "eth0", "master", "br1");
    guest.ip("link", "set", "br1", "up");
    // It asks at once when it is made a querier anew.
    guest.ip("link", "set", "br1", "type", "bridge", "mcast_querier", "0");
    guest.ip("link", "set", "br1", "type", "bridge", "mcast_querier", "1");
    await expect
      .poll(async () => {
        const { multicast, ports } = await state();
        const port = ports.find(({ ifindex }) => ifindex === multicast.querier?.ip4?.port);
        return [port?.name, multicast.querier?.ip4?.address];
      })
      .toEqual(["p2", "10.9.0.2"]);
    const { multicast, ports } = await state();
    const [shown] = JSON.parse(inBridge(home, "-j", "-d", "mdb", "show", "dev", "br0")) as [Mdb];
    expect(JSON.stringify(shown.router)).toContain('"p2"');
    const p2 = ports.find(({ name }) => name === "p2")?.ifindex;
    expect(multicast.routers).toContainEqual(expect.objectContaining({ port: p2, ip4: true }));
    home.ip("link", "set", "br0", "type", "bridge", "mcast_snooping", "0");
    expect((await state()).multicast.querier).toBeUndefined();
  });

  it("finds what sits on a peer and on the bridge, wherever it is", async () => {
    const { home, guest } = await lab("br0");
    const other = await add();
    guest.ip(
      "link",
      "add",
      "mv0",
      "link",
      "eth0",
      "address",
      "02:00:00:00:00:10",
      "type",
      "macvlan",
    );
    guest.ip(
      "link",
      "add",
      "mv1",
      "link",
      "eth0",
      "address",
      "02:00:00:00:00:11",
      "type",
      "macvlan",
    );
    guest.ip("link", "set", "mv1", "netns", String(other.pid));
    guest.ip("link", "set", "mv0", "up");
    other.ip("link", "set", "mv1", "up");
    other.ip("addr", "add", "10.9.0.11/24", "dev", "mv1");
    other.ip(
      "link",
      "add",
      "mv2",
      "link",
      "mv1",
      "address",
      "02:00:00:00:00:12",
      "type",
      "macvlan",
    );
    home.ip("link", "add", "inner", "address", "02:00:00:00:00:13", "type", "bridge");
    home.ip("link", "set", "p1", "master", "inner");
    home.ip(
      "link",
      "add",
      "mv3",
      "link",
      "inner",
      "address",
      "02:00:00:00:00:14",
      "type",
      "macvlan",
    );
    home.ip("link", "add", "mv4", "link", "br0", "address", "02:00:00:00:00:15", "type", "macvlan");
    other.ip("neigh", "add", "10.9.0.9", "lladdr", "02:00:00:00:00:09", "dev", "mv1");
    const state = await readBridge(await placeOf(String(home.pid)), "br0");
    const shown = (at: Home) =>
      (JSON.parse(at.ip("-j", "-d", "link")) as Shown[]).map(({ ifname, ifindex, address }) => [
        `${at.path} ${ifname}`,
        { ifindex, address },
      ]);
    const truth = Object.fromEntries([home, guest, other].flatMap(shown));
    const told = (uppers: Upper[] | undefined) =>
      Object.fromEntries(
        (uppers ?? []).map(({ namespace, name, ifindex, address }) => [
          `${namespace.path} ${name}`,
          { ifindex, address },
        ]),
      );
    const expected = (...at: [Home, string][]) =>
      Object.fromEntries(
        at.map(([{ path }, name]) => [`${path} ${name}`, truth[`${path} ${name}`]]),
      );
    const [p0, p2] = state.ports;
    expect(told(p2?.peer?.uppers)).toEqual(
      expected([guest, "mv0"], [other, "mv1"], [other, "mv2"]),
    );
    expect(told(p0?.peer?.uppers)).toEqual(expected([home, "inner"], [home, "mv3"]));
    expect(told(state.uppers)).toEqual(expected([home, "mv4"]));
    expect(p2?.peer?.uppers.find(({ name }) => name === "mv1")).toMatchObject({
      kind: "macvlan",
      addresses: expect.arrayContaining(["10.9.0.11"]),
    });
    expect(p0?.peer?.uppers.map(({ kind }) => kind).sort()).toEqual(["bridge", "macvlan"]);
    expect(state.neighbours.map(({ ip }) => ip)).toContain("10.9.0.9");
  });

  it("knows the addresses that a peer takes besides its own", async () => {
    const { home, guest } = await lab("br0");
    guest.ip(
      "link",
      "add",
      "mv0",
      "link",
      "eth0",
      "address",
      "02:00:00:00:00:10",
      "type",
      "macvlan",
    );
    guest.ip("link", "set", "mv0", "up");
    inBridge(guest, "fdb", "add", "00:00:5e:00:01:07", "dev", "eth0", "self");
    const { ports } = await readBridge(await placeOf(String(home.pid)), "br0");
    const shown = JSON.parse(inBridge(guest, "-j", "fdb", "show", "dev", "eth0")) as Fdb[];
    const unicast = shown.flatMap(({ mac, flags }) =>
      flags?.includes("self") && !/^.[13579bdf]/.test(mac) ? [mac] : [],
    );
    expect(unicast.sort()).toEqual(["00:00:5e:00:01:07", "02:00:00:00:00:10"]);
    expect(ports.map(({ peer }) => [...(peer?.filter ?? [])].sort())).toEqual([[], unicast]);
  });

  it("knows a VXLAN port, and which of its entries lack their other half", async () => {
    const { home } = await lab("br0");
    const vxlan = (name: string, ...words: string[]) =>
      home.ip("link", "add", name, "type", "vxlan", ...words);
    vxlan("vx0", "id", "42", "local", "10.9.0.1", "dstport", "4789", "nolearning");
    vxlan("vx1", "id", "43", "remote", "fd00::2", "local", "fd00::1", "dstport", "8472");
    vxlan("vx2", "external", "dstport", "4790");
    for (const name of ["vx0", "vx1", "vx2"]) {
      home.ip("link", "set", name, "master", "br0");
      home.ip("link", "set", name, "up");
    }
    const zero = "00:00:00:00:00:00";
    const fdb = (...words: string[]) => inBridge(home, "fdb", ...words);
    fdb("append", zero, "dev", "vx0", "dst", "10.9.0.2", "self", "permanent");
    fdb("append", zero, "dev", "vx0", "dst", "10.9.0.3", "self", "permanent");
    fdb("add", "02:00:00:00:00:21", "dev", "vx0", "master", "static");
    fdb(
      "add",
      "02:00:00:00:00:22",
      "dev",
      "vx0",
      "dst",
      "10.9.0.2",
      "port",
      "99",
      "vni",
      "7",
      "self",
    );
    fdb("add", "02:00:00:00:00:23", "dev", "vx0", "dst", "10.9.0.3", "self", "dynamic");
    const { ports, entries } = await readBridge(await placeOf(String(home.pid)), "br0");
    const of = (name: string) => ports.find((port) => port.name === name)?.vxlan;
    const plain = { port: 4789, vni: 42, permanent: true, own: false, answers: null };
    expect(of("vx0")).toEqual({
      ...{ vni: 42, external: false, group: null, local: "10.9.0.1", port: 4789, learning: false },
      ...{ proxy: false, underlay: expect.objectContaining({ path: home.path }) },
      remotes: expect.arrayContaining([
        { address: zero, ip: "10.9.0.2", ...plain },
        { address: zero, ip: "10.9.0.3", ...plain },
        { address: "02:00:00:00:00:22", ip: "10.9.0.2", ...plain, port: 99, vni: 7 },
        { address: "02:00:00:00:00:23", ip: "10.9.0.3", ...plain, permanent: false },
      ]),
    });
    const shown = JSON.parse(inBridge(home, "-j", "fdb", "show", "dev", "vx0")) as Fdb[];
    expect(
      of("vx0")
        ?.remotes.map(({ address, ip }) => `${address} ${ip}`)
        .sort(),
    ).toEqual(
      shown
        .flatMap(({ mac, dst, flags }) => (flags?.includes("self") ? [`${mac} ${dst}`] : []))
        .sort(),
    );
    expect(of("vx1")).toMatchObject({ vni: 43, group: "fd00::2", local: "fd00::1", port: 8472 });
    expect(of("vx1")).toMatchObject({ external: false, learning: true });
    expect(of("vx2")).toMatchObject({ vni: 0, external: true, group: null, remotes: [] });
    expect(ports.find(({ name }) => name === "p0")?.vxlan).toBeNull();
    // Half of an entry each: in the bridge's table alone, and in the VXLAN's alone.
    const addresses = entries.map(({ address }) => address);
    expect(addresses).toContain("02:00:00:00:00:21");
    expect(addresses).not.toContain("02:00:00:00:00:22");
  });

  it("changes nothing", async () => {
    const { home, guest } = await lab("br0");
    const seen = () =>
      [home, guest].map((at) => [at.ip("-br", "link"), at.ip("-br", "addr"), at.ip("rule")]);
    // Reading gives the peer's namespace its number, as `ip link` does.
    const before = seen();
    await readBridge(await placeOf(String(home.pid)), "br0");
    expect(seen()).toEqual(before);
  });
});
