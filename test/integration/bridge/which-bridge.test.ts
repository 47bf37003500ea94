import { statSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { Link } from "../../../src/bridge/links.ts";
import { whatElse, whichBridge } from "../../../src/bridge/which-bridge.ts";
import { UsageError } from "../../../src/system/errors.ts";
import { uniqueName } from "../host-state.ts";
import { homes } from "../live/home.ts";

const { add, leave } = homes();
afterEach(leave);

async function complaint(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UsageError);
  return (error as UsageError).message;
}

describe("a bridge by its name", () => {
  it("is taken from the namespace that was named", async () => {
    const home = await add();
    home.ip("link", "add", "br0", "type", "bridge");
    const found = await whichBridge("br0", String(home.pid));
    expect(found).toEqual([
      {
        name: "br0",
        ifindex: 2,
        place: {
          inode: statSync(home.path).ino,
          path: home.path,
          own: false,
          label: `pid ${home.pid} (sleep)`,
        },
      },
    ]);
  });

  it("is our own before all others", async () => {
    const [own, other] = [await add(), await add()];
    const name = uniqueName();
    for (const home of [own, other]) home.ip("link", "add", name, "type", "bridge");
    const [found] = await own.inside(() => whichBridge(name, undefined));
    expect(found?.place).toMatchObject({ own: true, inode: statSync(own.path).ino });
  });

  it("is found in the only other namespace that has it", async () => {
    const home = await add();
    const name = `${uniqueName()}$(id)`;
    home.ip("link", "add", name, "type", "bridge");
    const found = await whichBridge(name, undefined);
    expect(found.map(({ place }) => place.path)).toEqual([home.path]);
  });

  it("is to be said of which namespace when several have it", async () => {
    const [one, two] = [await add(), await add()];
    const name = uniqueName();
    for (const home of [one, two]) home.ip("link", "add", name, "type", "bridge");
    const said = await complaint(whichBridge(name, undefined));
    expect(said).toContain(`2 bridges "${name}"`);
    for (const { pid } of [one, two]) {
      expect(said).toContain(`--netns /proc/${pid}/ns/net (pid ${pid} (sleep))`);
    }
  });
});

describe("a name that is no bridge's", () => {
  it("lists the bridges there are, with nothing that a terminal obeys", async () => {
    const home = await add();
    home.ip("link", "add", "b\x1b[2J", "type", "bridge");
    const said = await complaint(whichBridge("no\x1bne", String(home.pid)));
    expect(said).toContain(String.raw`no bridge "no\x1bne"`);
    expect(said).toContain(String.raw`"b\x1b[2J" (pid ${home.pid} (sleep))`);
  });

  it("says what kind of device it is, though another namespace has a bridge of that name", async () => {
    const [own, other] = [await add(), await add()];
    const name = uniqueName();
    own.ip("link", "add", name, "type", "veth", "peer", "name", "v1");
    other.ip("link", "add", name, "type", "bridge");
    const said = await complaint(own.inside(() => whichBridge(name, undefined)));
    expect(said).toContain(`"${name}" is not a bridge but a veth device`);
  });

  it("says of which bridge it is a port", async () => {
    const home = await add();
    home.ip("link", "add", "br0", "type", "bridge");
    home.ip("link", "add", "p0", "master", "br0", "type", "veth", "peer", "name", "p1");
    const said = await complaint(whichBridge("p0", String(home.pid)));
    expect(said).toContain('"p0" is not a bridge but a port of the bridge "br0"');
  });

  it("says that Open vSwitch forwards elsewhere", () => {
    const device = (name: string, more: Partial<Link>): Link => ({
      ifindex: 5,
      name,
      address: "02:00:00:00:00:01",
      mtu: 1500,
      up: true,
      flags: 1,
      operstate: "UP",
      qdisc: "noqueue",
      xdp: false,
      carrier: true,
      promiscuity: 0,
      kind: "veth",
      master: null,
      link: null,
      linkNetnsid: null,
      counters: { rx: 0, tx: 0, rxBytes: 0, txBytes: 0, txDropped: 0 },
      data: new Map(),
      slaveKind: "",
      slaveData: new Map(),
      ...more,
    });
    const bridge = device("ovs0", { kind: "openvswitch" });
    expect(whatElse(bridge, [bridge])).toMatch(
      /^ovs0 is an Open vSwitch bridge: .*`ovs-appctl fdb\/show ovs0`/,
    );
    const port = device("web", { slaveKind: "openvswitch", master: 9 });
    expect(whatElse(port, [port])).toContain('"web" is a port of an Open vSwitch bridge');
  });
});

describe("no name", () => {
  it("means all bridges", async () => {
    const [one, two] = [await add(), await add()];
    one.ip("link", "add", "br0", "type", "bridge");
    one.ip("link", "add", "br1", "type", "bridge");
    two.ip("link", "add", "br0", "type", "bridge");
    const all = await whichBridge(undefined, undefined);
    const names = (path: string) =>
      all.filter(({ place }) => place.path === path).map(({ name }) => name);
    expect([names(one.path), names(two.path)]).toEqual([["br0", "br1"], ["br0"]]);
    expect((await whichBridge(undefined, one.path)).map(({ name }) => name)).toEqual([
      "br0",
      "br1",
    ]);
  });

  it("says that there is none, and how one would see", async () => {
    const home = await add();
    const said = await complaint(whichBridge(undefined, String(home.pid)));
    expect(said).toContain("there is no Linux bridge in the network namespace");
    expect(said).toContain(`nsenter --net=${home.path} ip link show type bridge`);
  });
});
