import { afterEach, describe, expect, it } from "vitest";
import { placeOf } from "../../../src/bridge/find-namespace.ts";
import { BridgeGoneError, readBridge } from "../../../src/bridge/read-bridge.ts";
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
