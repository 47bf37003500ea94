/** What a frame that taught a bridge is, from its EtherType on. */
import { describe, expect, it } from "vitest";
import type { ProbeMaps } from "../../../src/probes/maps.ts";
import { takeLessons, taughtBy } from "../../../src/watch/taught.ts";

/** Hexadecimal, with zeros up to what watch.bt takes of a frame. */
function frame(...parts: string[]): Buffer {
  const bytes = Buffer.alloc(72);
  Buffer.from(parts.join("").replace(/ /g, ""), "hex").copy(bytes);
  return bytes;
}

const ARP = "0806 0001 0800 06 04";
const HOST = "02 00 00 00 00 0a";
const ip4 = (protocol: string, payload: string, fragment = "0000") =>
  frame("0800 45 00 0054 0000", fragment, "40", protocol, "0000 0a000001 0a000002", payload);
const A6 = "fd77 0000 0000 0000 0000 0000 0000 0001";
const B6 = "fd77 0000 0000 0000 0000 0000 0000 0002";
const NONE6 = "00".repeat(16);
const ASKED = "ff02 0000 0000 0000 0000 0001 ff00 0002";
const ALL = "ff02 0000 0000 0000 0000 0000 0000 0001";
const ip6 = (next: string, source: string, destination: string, payload: string) =>
  frame("86dd 6000 0000 0020", next, "ff", source, destination, payload);

const nothing = {
  ...{ source: null, destination: null, sourcePort: null, destinationPort: null, target: null },
};

describe("a frame is", () => {
  it.each([
    [
      "a gratuitous ARP, asked",
      frame(ARP, "0001", HOST, "0a000001", "00".repeat(6), "0a000001"),
      {
        ...{ protocol: "gratuitous ARP", source: "10.0.0.1", target: "10.0.0.1" },
      },
    ],
    [
      "a gratuitous ARP, answered",
      frame(ARP, "0002", HOST, "0a000001", HOST, "0a000001"),
      {
        ...{ protocol: "gratuitous ARP", source: "10.0.0.1", target: "10.0.0.1" },
      },
    ],
    [
      "an ARP probe",
      frame(ARP, "0001", HOST, "00000000", "00".repeat(6), "0a000001"),
      {
        ...{ protocol: "ARP probe", target: "10.0.0.1" },
      },
    ],
    [
      "an ARP request",
      frame(ARP, "0001", HOST, "0a000001", "00".repeat(6), "0a000002"),
      {
        ...{ protocol: "ARP request", source: "10.0.0.1", target: "10.0.0.2" },
      },
    ],
    [
      "an ARP reply",
      frame(ARP, "0002", HOST, "0a000001", HOST, "0a000002"),
      {
        ...{ protocol: "ARP reply", source: "10.0.0.1", target: "10.0.0.2" },
      },
    ],
    ["what QEMU announces a guest with", frame("8035 0001"), { protocol: "RARP" }],
    ["VRRP", ip4("70", "21"), { protocol: "VRRP", source: "10.0.0.1", destination: "10.0.0.2" }],
    [
      "UDP",
      ip4("11", "0035 1267"),
      {
        ...{ protocol: "UDP", source: "10.0.0.1", destination: "10.0.0.2" },
        ...{ sourcePort: 53, destinationPort: 4711 },
      },
    ],
    [
      "a fragment",
      ip4("11", "0035 1267", "00b9"),
      {
        ...{ protocol: "UDP", source: "10.0.0.1", destination: "10.0.0.2" },
      },
    ],
    [
      "an IP protocol by its number",
      ip4("84", ""),
      {
        ...{ protocol: "IP protocol 132", source: "10.0.0.1", destination: "10.0.0.2" },
      },
    ],
    [
      "IPv6 duplicate address detection",
      ip6("3a", NONE6, ASKED, `87000000 00000000 ${B6}`),
      {
        ...{ protocol: "IPv6 DAD", destination: "ff02::1:ff00:2", target: "fd77::2" },
      },
    ],
    [
      "a neighbour solicitation",
      ip6("3a", A6, ASKED, `87000000 00000000 ${B6}`),
      {
        ...{ protocol: "neighbour solicitation", source: "fd77::1" },
        ...{ destination: "ff02::1:ff00:2", target: "fd77::2" },
      },
    ],
    [
      "a neighbour advertisement",
      ip6("3a", B6, ALL, `88000000 20000000 ${B6}`),
      {
        ...{ protocol: "neighbour advertisement", source: "fd77::2" },
        ...{ destination: "ff02::1", target: "fd77::2" },
      },
    ],
    [
      "an MLD report behind its hop-by-hop header",
      ip6("00", NONE6, ALL, "3a00 05020000 0100 8f00"),
      {
        ...{ protocol: "MLD report", source: "::", destination: "ff02::1" },
      },
    ],
    [
      "an echo request",
      ip6("3a", A6, B6, "80000000"),
      {
        ...{ protocol: "ICMPv6", source: "fd77::1", destination: "fd77::2" },
      },
    ],
    [
      "TCP over IPv6",
      ip6("06", A6, B6, "0050 1267"),
      {
        ...{ protocol: "TCP", source: "fd77::1", destination: "fd77::2" },
        ...{ sourcePort: 80, destinationPort: 4711 },
      },
    ],
    ["tagged", frame("8100 000a 8035"), { protocol: "RARP" }],
    ["STP", frame("0026 4242 03"), { protocol: "STP" }],
    ["LLDP", frame("88cc"), { protocol: "LLDP" }],
    ["another by its EtherType", frame("88f7"), { protocol: "EtherType 0x88f7" }],
  ])("%s", (_, bytes, told) => {
    expect(taughtBy(bytes)).toEqual({ ...nothing, ...told });
  });

  it("whatever it says of itself", () => {
    // Headers that are said to be as long as can be.
    for (const [type, next] of [
      ["0800 4f", ""],
      ["86dd 60", "ff"],
      ["8100 0000 8100", ""],
    ]) {
      expect(
        taughtBy(frame(type ?? "", "ff".repeat(4), next ?? "", "ff".repeat(60))),
      ).toMatchObject({
        protocol: expect.any(String),
      });
    }
    const hops = ip6("00", A6, B6, "3aff");
    expect(taughtBy(hops).protocol).toBe("IPv6 next header 58");
  });
});

describe("lessons", () => {
  const words = (bytes: Buffer) =>
    Array.from({ length: 9 }, (_, at) => bytes.readBigUInt64LE(at * 8));
  const taken = (...values: bigint[][]) => {
    const maps: Pick<ProbeMaps, "takeTuples"> = {
      takeTuples: () => values.map((value, at) => [[BigInt(at)], value]),
    };
    return takeLessons(maps as ProbeMaps);
  };
  const now = process.hrtime.bigint();
  const ms = (before: number) => now - BigInt(before) * 1_000_000n;
  const key = (3n << 60n) | (10n << 48n) | 0x0a0000000002n;
  const lesson = (at: number, ...heard: bigint[]) => [
    ...[ms(at), key, 7n, ...(heard.length === 0 ? [0n, 0n, 0n, 0n] : heard)],
    ...words(frame("8035")),
  ];

  it("are in the order of time, of a bridge, an address, a VLAN and a port", () => {
    const [first, second] = taken(lesson(100), lesson(200));
    expect(first).toMatchObject({
      ...{ number: 3, address: "02:00:00:00:00:0a", vlan: 10, port: 7, heard: null },
      taught: { protocol: "RARP" },
    });
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeCloseTo(100, 0);
  });

  it("have where the address was heard before", () => {
    const [one, again, alone] = taken(
      lesson(100, ms(100), 5n, ms(600), ms(100)),
      lesson(50, ms(50), 5n, ms(600), ms(100)),
      lesson(20, ms(20), 0n, 0n, ms(20)),
    );
    expect(one?.heard).toMatchObject({ isFirst: true, before: { port: 5 } });
    expect((one?.heard?.firstAt ?? 0) - (one?.heard?.before?.lastAt ?? 0)).toBeCloseTo(500, 0);
    expect(again?.heard).toMatchObject({ isFirst: false, before: { port: 5 } });
    expect(alone?.heard).toMatchObject({ isFirst: true, before: null });
  });
});
