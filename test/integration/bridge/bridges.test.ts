import { closeSync, openSync, statSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { findAllBridges } from "../../../src/bridge/bridges.ts";
import { placeOf } from "../../../src/bridge/find-namespace.ts";
import { readLinks } from "../../../src/bridge/links.ts";
import { listPlaces } from "../../../src/bridge/places.ts";
import { UsageError } from "../../../src/system/errors.ts";
import { uniqueName } from "../host-state.ts";
import { homes } from "../live/home.ts";

const { add, leave } = homes();
afterEach(leave);

describe("the namespaces of the host", () => {
  it("has our own first, and each once", async () => {
    await add();
    const places = listPlaces();
    expect(places[0]).toMatchObject({ own: true, inode: statSync("/proc/self/ns/net").ino });
    expect(places.filter((place) => place.own)).toHaveLength(1);
    expect(new Set(places.map((place) => place.inode)).size).toBe(places.length);
    expect(places.filter((place) => place.label === "host")).toHaveLength(1);
  });

  it("shows a namespace by the process in it", async () => {
    const { pid, path } = await add();
    const place = listPlaces().find((one) => one.pid === pid);
    const label = `pid ${pid} (sleep)`;
    expect(place).toMatchObject({
      label,
      path,
      own: false,
      netns: null,
      inode: statSync(path).ino,
    });
  });

  it("is found by a PID, by a path, and by a path that only a descriptor holds", async () => {
    const { pid, path } = await add();
    const place = listPlaces().find((one) => one.pid === pid);
    expect(await placeOf(String(pid))).toEqual(place);
    expect(await placeOf(path)).toEqual(place);
    const fd = openSync(path, "r");
    try {
      await leave();
      const held = `/proc/${process.pid}/fd/${fd}`;
      expect(await placeOf(held)).toMatchObject({ path: held, label: held, pid: null });
    } finally {
      closeSync(fd);
    }
  });

  it("says that there is none", async () => {
    await expect(placeOf("/nowhere/at/all")).rejects.toThrow(UsageError);
  });

  it("leaves out one that is gone", async () => {
    const home = await add();
    home.ip("link", "add", "br0", "type", "bridge");
    const places = listPlaces().filter((place) => place.pid === home.pid);
    expect(findAllBridges(places).bridges).toHaveLength(1);
    await leave();
    expect(findAllBridges(places)).toEqual({ bridges: [], openVswitch: [] });
  });
});

describe("the bridges of namespaces", () => {
  it("are found with hostile names, and under one name in two of them", async () => {
    const [one, two] = [await add(), await add()];
    const name = uniqueName();
    const hostile = ["$(id)", 'b\x1b[2J"\\'];
    for (const bridge of [name, ...hostile]) one.ip("link", "add", bridge, "type", "bridge");
    two.ip("link", "add", name, "type", "bridge");
    two.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
    const places = listPlaces();
    const found = findAllBridges(places).bridges;
    const at = (pid: number) =>
      found.filter(({ place }) => place.pid === pid).map((bridge) => bridge.name);
    expect(at(one.pid)).toEqual([name, ...hostile]);
    expect(at(two.pid)).toEqual([name]);
    const place = await placeOf(String(two.pid));
    expect(findAllBridges([place]).bridges).toEqual(
      found.filter((one) => one.place.pid === two.pid),
    );
    expect(
      readLinks(place)
        .map((link) => [link.name, link.kind])
        .sort(),
    ).toEqual([
      [name, "bridge"],
      ["lo", "device"],
      ["v0", "veth"],
      ["v1", "veth"],
    ]);
  });
});
