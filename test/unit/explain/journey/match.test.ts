import { describe, expect, it } from "vitest";
import { type Frame, parseFrame } from "../../../../src/explain/journey/frame.ts";
import { passagesOf, type Sighting } from "../../../../src/explain/journey/match.ts";
import { A, B, EVERYBODY } from "../bridge.ts";
import { arp, echo, ethernet, solicitation, tcp, udp } from "./frames.ts";

const there = { from: A, to: B, fromIp: "10.77.0.1", toIp: "10.77.0.2" };

function frame(bytes: Buffer, vlan = 0): Frame {
  const parsed = parseFrame(bytes, bytes.length, vlan);
  if (parsed === null) throw new Error("no frame");
  return parsed;
}

const seen = (hop: number, atNs: number, bytes: Buffer, ifindex = hop): Sighting => ({
  ...{ hop, atNs, ifindex },
  frame: frame(bytes),
});

describe("what a frame says of itself", () => {
  it.each([
    [
      echo(there, 1),
      { what: "echo request", protocol: "ICMP", from: "10.77.0.1", to: "10.77.0.2" },
    ],
    [echo(there, 1, 0), { what: "echo reply" }],
    [
      arp(1, { ...there, to: EVERYBODY }),
      { what: "ARP request", resolution: { kind: "question", of: "10.77.0.2" } },
    ],
    [arp(2, there), { what: "ARP reply", resolution: { kind: "answer", of: "10.77.0.1" } }],
    [
      solicitation(A, 2),
      { what: "neighbour solicitation", resolution: { kind: "question", of: "fd77::2" } },
    ],
    [
      udp(there, 53, Buffer.from("x")),
      { what: "UDP datagram", sourcePort: 4000, destinationPort: 53 },
    ],
    [
      tcp(there, 100, 50, 1),
      { what: "TCP segment", bytes: { stream: expect.any(String), first: 100, last: 149 } },
    ],
    [tcp(there, 100, 0, 1), { what: "TCP ACK", bytes: null }],
    [
      ethernet(B, A, 0x88cc, Buffer.alloc(40)),
      { what: "frame of EtherType 0x88cc", protocol: null },
    ],
  ])("%#", (bytes, expected) => {
    expect(frame(bytes)).toMatchObject({ source: A, ...expected });
  });

  it("is the same with a VLAN tag within or beside it, and with checksums filled in later", () => {
    const plain = echo(there, 3);
    const tagged = Buffer.concat([
      plain.subarray(0, 12),
      Buffer.from([0x81, 0, 0, 5]),
      plain.subarray(12),
    ]);
    const summed = Buffer.from(plain);
    summed.writeUInt16BE(0x1234, 24);
    summed.writeUInt16BE(0x5678, 36);
    expect(frame(tagged)).toEqual(frame(plain, 5));
    expect(frame(summed).key).toBe(frame(plain).key);
    expect(frame(echo(there, 4)).key).not.toBe(frame(plain).key);
    // Datagrams that are not fragmented have no number of their own (RFC 6864).
    const datagram = (text: string) => frame(udp(there, 53, Buffer.from(text), 0)).key;
    expect(datagram("one")).not.toBe(datagram("two"));
  });
});

describe("which sightings are one frame", () => {
  it("follows each from hop to hop, and keeps where it was seen last", () => {
    const [one, two] = [echo(there, 1), echo(there, 2)];
    const passages = passagesOf(
      [
        seen(1, 1500, two),
        seen(0, 1000, two),
        seen(0, 10, one),
        seen(1, 20, one),
        seen(2, 30, one),
      ],
      3,
    );
    expect(passages).toMatchObject([
      { first: 0, last: 2, times: [10, 20, 30] },
      { first: 0, last: 1, times: [1000, 1500, null] },
    ]);
  });

  it("takes of identical frames the one before, so that the right one is lost", () => {
    const same = arp(1, { ...there, to: EVERYBODY });
    const passages = passagesOf(
      [
        seen(0, 0, same),
        seen(0, 1e9, same),
        seen(0, 2e9, same),
        seen(1, 5, same),
        seen(1, 2e9 + 5, same),
      ],
      2,
    );
    expect(passages.map(({ times }) => times)).toEqual([
      [0, 5],
      [1e9, null],
      [2e9, 2e9 + 5],
    ]);
  });

  it("begins a passage where a frame is seen first, as of a sender that leaves out the stack", () => {
    expect(passagesOf([seen(1, 5, echo(there, 1)), seen(2, 9, echo(there, 1))], 3)).toMatchObject([
      { first: 1, last: 2, times: [null, 5, 9] },
    ]);
  });

  it("follows bytes of TCP where segments are cut, and where they are packed", () => {
    const whole = seen(0, 0, tcp(there, 1000, 30, 1));
    const cut = [seen(1, 5, tcp(there, 1000, 10, 1)), seen(1, 6, tcp(there, 1010, 20, 2))];
    expect(passagesOf([whole, ...cut], 2)).toMatchObject([{ times: [0, 5] }]);
    const parts = [seen(0, 0, tcp(there, 1000, 10, 1)), seen(0, 1, tcp(there, 1010, 20, 2))];
    const packed = seen(1, 5, tcp(there, 1000, 30, 1));
    expect(passagesOf([...parts, packed], 2).map(({ times }) => times)).toEqual([
      [0, 5],
      [1, 5],
    ]);
    // Around the end of the sequence numbers.
    const late = [seen(0, 0, tcp(there, 0xffff_fff0, 32, 1)), seen(1, 3, tcp(there, 4, 8, 9))];
    expect(passagesOf(late, 2)).toMatchObject([{ times: [0, 3] }]);
  });

  it("knows a packet at a second device of one hop, and no second frame", () => {
    const one = echo(there, 1);
    expect(passagesOf([seen(0, 0, one), seen(1, 5, one, 8), seen(1, 6, one, 9)], 2)).toHaveLength(
      1,
    );
    expect(passagesOf([seen(0, 0, one), seen(1, 5, one, 8), seen(1, 6, one, 8)], 2)).toHaveLength(
      2,
    );
  });
});
