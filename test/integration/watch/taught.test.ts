/** What taught a bridge where an address is, and how one comes from one port to another. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FdbEvent, WatchRecord } from "../../../src/document/watch.ts";
import { closeNamespace, openPath } from "../../../src/system/netns.ts";
import { openPacketSocket } from "../../../src/system/packet-socket.ts";
import { type FloodLab, floodLab, type HostName } from "../explain/lab.ts";
import { duplicateDetection, gratuitousArp, udp4, vrrp } from "../explain/wire.ts";
import { until } from "./records.ts";

const GUEST = "02:00:00:00:0b:77";
const ROUTER = "00:00:5e:00:01:01";

let lab: FloodLab;
beforeEach(async () => {
  lab = await floodLab();
});
afterEach(() => lab.leave());

function send(host: HostName, ...frames: Buffer[]): void {
  const { path, ip } = lab.hosts[host];
  const [link] = JSON.parse(ip("-j", "link", "show", "dev", "eth0")) as { ifindex: number }[];
  const namespace = openPath(host, path);
  const socket = openPacketSocket(namespace, link?.ifindex ?? 0);
  for (const frame of frames) socket.send(frame);
  socket.close();
  closeNamespace(namespace);
}

const arp = gratuitousArp(GUEST, "10.77.0.77");
const dad = duplicateDetection(GUEST, `fd77${"00".repeat(13)}77`);
const talk = udp4(
  { mac: GUEST, ip: "10.77.0.77", port: 53 },
  { mac: "02:00:00:00:99:99", ip: "10.77.0.1", port: 4711 },
  Buffer.alloc(20),
);

const eventsIn = (records: readonly WatchRecord[]) => records.flatMap(({ fdb }) => fdb.events);
const told = ({ event, port, from, taught, migration }: FdbEvent) => [
  ...[event, port, from, taught?.protocol ?? null, taught?.target ?? null],
  migration && `${migration.from} to ${migration.to}`,
];

describe("an address that is followed", () => {
  it("goes from port to port, by gratuitous ARP and by DAD", async () => {
    const records = await until(
      lab,
      (seen) => eventsIn(seen).length >= 3,
      (step) => {
        if (step === 1) send("a", talk, talk);
        if (step === 2) send("b", arp, talk);
        if (step === 4) send("c", dad, talk);
      },
      { mac: GUEST.toUpperCase() },
    );
    const events = eventsIn(records);
    expect(events.map(told)).toEqual([
      ["learned", "pa", null, "UDP", null, null],
      ["moved", "pb", "pa", "gratuitous ARP", "10.77.0.77", "pa to pb"],
      ["moved", "pc", "pb", "IPv6 DAD", "fd77::77", "pb to pc"],
    ]);
    const [learned, moved] = events;
    expect(learned?.taught).toMatchObject({
      ...{ source: "10.77.0.77", destination: "10.77.0.1" },
      ...{ sourcePort: 53, destinationPort: 4711 },
    });
    // An interval of records lies between.
    const { lastFrom, firstTo, gapSeconds } = moved?.migration ?? expect.fail("it has not moved");
    expect(gapSeconds).toBeGreaterThan(0.1);
    const between = Date.parse(firstTo) - Date.parse(lastFrom ?? "");
    expect(Math.abs(between - (gapSeconds ?? 0) * 1000)).toBeLessThanOrEqual(2);
  });

  it("goes nowhere when it is learned anew after ageing, unless it is at another port", async () => {
    lab.shell("ip link set br0 type bridge ageing_time 100");
    const from: HostName[] = ["a", "a", "b", "b"];
    const count = (seen: readonly WatchRecord[], name: string) =>
      eventsIn(seen).filter(({ event }) => event === name).length;
    let [learned, aged] = [0, 0];
    const records = await until(
      lab,
      (seen) => {
        [learned, aged] = [count(seen, "learned"), count(seen, "aged")];
        return learned === from.length;
      },
      () => {
        // It has aged as often as it was learned.
        const host = learned === aged ? from[learned] : undefined;
        if (host !== undefined) send(host, learned === 2 ? arp : talk);
      },
      { mac: GUEST },
    );
    const events = eventsIn(records).filter(({ event }) => event === "learned");
    expect(events.map(told)).toEqual([
      ["learned", "pa", null, "UDP", null, null],
      ["learned", "pa", null, "UDP", null, null],
      ["learned", "pb", null, "gratuitous ARP", "10.77.0.77", "pa to pb"],
      ["learned", "pb", null, "UDP", null, null],
    ]);
    expect(events[2]?.migration?.gapSeconds).toBeGreaterThan(1);
  });
});

it("whatever is watched, events have what taught them, and no migration", async () => {
  const records = await until(
    lab,
    (seen) => eventsIn(seen).length >= 3,
    (step) => {
      if (step === 1) send("a", arp, vrrp("10.77.0.1"));
      if (step === 2) send("b", arp);
    },
  );
  const events = eventsIn(records).filter(({ address }) => [GUEST, ROUTER].includes(address));
  expect(events.map(told)).toEqual([
    ["learned", "pa", null, "gratuitous ARP", "10.77.0.77", null],
    ["learned", "pa", null, "VRRP", null, null],
    ["moved", "pb", "pa", "gratuitous ARP", "10.77.0.77", null],
  ]);
});
