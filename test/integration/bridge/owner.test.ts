import { closeSync, openSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { placeOf } from "../../../src/bridge/find-namespace.ts";
import { ownersOf } from "../../../src/bridge/owner.ts";
import { readBridge } from "../../../src/bridge/read-bridge.ts";
import { checked, libc } from "../../../src/system/libc.ts";
import { homes } from "../live/home.ts";

const { add, leave } = homes();
afterEach(leave);

const ioctl = libc.func("int ioctl(int fd, unsigned long request, void *argument)");
const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x1002;

function openTap(name: string): number {
  const fd = openSync("/dev/net/tun", "r+");
  const request = Buffer.alloc(40);
  request.write(name);
  request.writeUInt16LE(IFF_TAP_NO_PI, 16);
  checked("ioctl(TUNSETIFF)", ioctl(fd, TUNSETIFF, request));
  return fd;
}

describe("the owner of a port", () => {
  it("is who lives in the namespace of its peer", async () => {
    const [home, guest] = [await add(), await add()];
    home.ip("link", "add", "br0", "type", "bridge");
    const peer = ["peer", "name", "e$(id)\x1b", "netns", String(guest.pid)];
    home.ip("link", "add", "p0", "master", "br0", "type", "veth", ...peer);
    guest.ip("link", "set", "e$(id)\x1b", "address", "02:00:00:00:00:07", "up");
    guest.ip("addr", "add", "10.9.0.1/24", "dev", "e$(id)\x1b");
    guest.ip("addr", "add", "fd00::1:0:0:1/64", "dev", "e$(id)\x1b", "nodad");
    const place = await placeOf(String(home.pid));
    const { ports } = await readBridge(place, "br0");
    expect(ports).toHaveLength(1);
    expect(ports[0]?.peer).toMatchObject({
      name: "e$(id)\x1b",
      address: "02:00:00:00:00:07",
      master: null,
      namespace: { path: guest.path },
    });
    expect(ports[0]?.peer?.addresses).toEqual(
      expect.arrayContaining(["10.9.0.1", "fd00::1:0:0:1"]),
    );
    expect(ports[0]?.owner).toMatchObject({
      label: `pid ${guest.pid} (sleep)`,
      pid: guest.pid,
      command: "sleep",
      container: null,
      pod: null,
      namespace: { path: guest.path },
    });
  });

  it("is found where two peers have the same ifindex in different namespaces", async () => {
    const [home, one, two] = [await add(), await add(), await add()];
    home.ip("link", "add", "br0", "type", "bridge");
    for (const [port, guest] of [["p1", one] as const, ["p2", two] as const]) {
      const peer = ["peer", "name", "eth0", "netns", String(guest.pid)];
      home.ip("link", "add", port, "master", "br0", "type", "veth", ...peer);
    }
    const { ports } = await readBridge(await placeOf(String(home.pid)), "br0");
    expect(ports.map(({ name, owner }) => [name, owner?.pid])).toEqual([
      ["p1", one.pid],
      ["p2", two.pid],
    ]);
  });

  it("is the bridge's own namespace where the peer is there, with the peer's master", async () => {
    const home = await add();
    for (const bridge of ["br0", "br1"]) home.ip("link", "add", bridge, "type", "bridge");
    home.ip("link", "add", "p0", "master", "br0", "type", "veth", "peer", "name", "p1");
    home.ip("link", "set", "p1", "master", "br1");
    const place = await placeOf(String(home.pid));
    const { ports } = await readBridge(place, "br0");
    const other = await readBridge(place, "br1");
    expect(ports[0]?.peer).toMatchObject({ name: "p1", master: other.ifindex });
    expect(ports[0]?.owner?.pid).toBe(home.pid);
  });

  it("is unknown where only a descriptor holds the namespace", async () => {
    const [home, guest] = [await add(), await add()];
    home.ip("link", "add", "br0", "type", "bridge");
    const peer = ["peer", "name", "eth0", "netns", String(guest.pid)];
    home.ip("link", "add", "p0", "master", "br0", "type", "veth", ...peer);
    const fd = openSync(guest.path, "r");
    try {
      const place = await placeOf(String(home.pid));
      process.kill(guest.pid, "SIGKILL");
      await expect
        .poll(async () => (await readBridge(place, "br0")).ports.map(({ owner }) => owner))
        .toEqual([null]);
    } finally {
      closeSync(fd);
    }
  });

  it("is the process that holds a tap device", async () => {
    const home = await add();
    home.ip("link", "add", "br0", "type", "bridge");
    const fd = home.inside(() => openTap("tap$(id)"));
    try {
      home.ip("link", "set", "tap$(id)", "master", "br0");
      const { ports } = await readBridge(await placeOf(String(home.pid)), "br0");
      expect(ports[0]).toMatchObject({ name: "tap$(id)", kind: "tun", peer: null });
      expect(ports[0]?.owner).toMatchObject({ pid: process.pid, namespace: null });
      expect(ports[0]?.owner?.label).toMatch(new RegExp(`^pid ${process.pid} \\(`));
    } finally {
      closeSync(fd);
    }
  });

  it("is nobody for a port without another end", async () => {
    const home = await add();
    home.ip("link", "add", "br0", "type", "bridge");
    const vxlan = ["type", "vxlan", "id", "7", "dstport", "4789"];
    home.ip("link", "add", "vx0", "master", "br0", ...vxlan);
    const { ports } = await readBridge(await placeOf(String(home.pid)), "br0");
    expect(ports).toMatchObject([{ kind: "vxlan", peer: null, owner: null }]);
  });

  it("goes by the name of ip netns", async () => {
    const home = await add();
    const place = { ...(await placeOf(String(home.pid))), label: "red", netns: "red" };
    const owners = await ownersOf([place], new Map());
    expect(owners.get(place.inode)?.label).toBe("netns red");
  });
});
