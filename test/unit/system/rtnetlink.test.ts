import { expect, test } from "vitest";
import { MessageTrain } from "../../../src/system/netlink-messages.ts";
import { type RouteRequest, writeRequest } from "../../../src/system/rtnetlink.ts";

const NUMBERS = {
  ifindex: (device: string) => ({ br0: 2, eth0: 5 })[device] ?? 0,
  namespace: (name: string) => ({ "ns-a": 33 })[name] ?? -1,
};

/** Messages as hexadecimal, without the header's length, flags and numbers. */
function encode(...requests: RouteRequest[]): { type: number; flags: number; body: string }[] {
  const train = new MessageTrain();
  for (const request of requests) writeRequest(train, request, NUMBERS);
  const bytes = train.bytes();
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32LE(at);
    expect(bytes.readUInt32LE(at + 8)).toBe(messages.length + 1);
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      body: bytes.toString("hex", at + 16, at + size),
    });
    at += size;
  }
  return messages;
}

/** One attribute as a person would write it down: length, type, value, padding. */
function attribute(type: number, ...values: string[]): string {
  const value = values.join("");
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + value.length / 2, 0);
  header.writeUInt16LE(type, 2);
  return header.toString("hex") + value.padEnd(Math.ceil(value.length / 8) * 8, "0");
}

const text = (value: string) => Buffer.from(`${value}\0`).toString("hex");
const NO_FLAGS = "00".repeat(16);
const UP = "00000000" + "00000000" + "01000000" + "01000000";
const ACK = 4;

test("a bridge", () => {
  expect(
    encode({ kind: "bridge", device: "br0", address: "02:00:00:00:00:0a", mtu: 9000 }),
  ).toEqual([
    {
      type: 16,
      flags: 0x601 | ACK,
      body:
        NO_FLAGS +
        attribute(3, text("br0")) +
        attribute(1, "02000000000a") +
        attribute(4, "28230000") +
        attribute(18, attribute(1, text("bridge")).slice(0, 24)),
    },
  ]);
});

test("the most addresses that a bridge learns (IFLA_BR_FDB_MAX_LEARNED)", () => {
  const device = "00000000" + "02000000" + "00000000" + "00000000";
  const data = attribute(2, attribute(49, "e8030000"));
  expect(encode({ kind: "limit", device: "br0", learned: 1000 })).toEqual([
    {
      type: 16,
      flags: 1 | ACK,
      body: device + attribute(18, attribute(1, text("bridge")), data),
    },
  ]);
});

test("a veth pair whose other end is made in another namespace", () => {
  const queues = attribute(31, "01000000") + attribute(32, "01000000");
  const peer =
    NO_FLAGS +
    attribute(3, text("eth0")) +
    attribute(1, "020000000002") +
    queues +
    attribute(28, "21000000");
  const [message] = encode({
    kind: "veth",
    device: "p1",
    address: "02:00:00:00:00:01",
    mtu: null,
    peer: { device: "eth0", address: "02:00:00:00:00:02", namespace: "ns-a" },
  });
  expect(message?.body).toBe(
    NO_FLAGS +
      attribute(3, text("p1")) +
      attribute(1, "020000000001") +
      queues +
      attribute(18, attribute(1, text("veth")) + attribute(2, attribute(1, peer))),
  );
});

test("a train: only the last message asks for an answer", () => {
  const messages = encode(
    { kind: "set", device: "p1", alias: "mark", master: "br0", up: true },
    { kind: "set", device: "A", to: "ns-a" },
    { kind: "address", device: "eth0", address: "198.18.0.7/15" },
    { kind: "neighbours", device: "eth0", reachableMs: 3_600_000, delayProbeMs: 1000 },
  );
  expect(messages).toEqual([
    {
      type: 16,
      flags: 1,
      body:
        UP +
        attribute(3, text("p1")) +
        attribute(20, Buffer.from("mark\0").toString("hex")) +
        attribute(10, "02000000"),
    },
    {
      type: 16,
      flags: 1,
      body: NO_FLAGS + attribute(3, text("A")) + attribute(28, "21000000"),
    },
    {
      type: 20,
      flags: 0x601,
      body:
        "020f000005000000" +
        attribute(2, "c6120007") +
        attribute(1, "c6120007") +
        attribute(4, "c613ffff"),
    },
    {
      type: 67,
      flags: 1 | ACK,
      body:
        "02000000" +
        attribute(1, text("arp_cache")) +
        attribute(
          6,
          attribute(1, "05000000") +
            attribute(4, "80ee360000000000") +
            attribute(7, "e803000000000000"),
        ),
    },
  ]);
});

test("the broadcast address of a /32 is the address", () => {
  const [message] = encode({ kind: "address", device: "eth0", address: "10.0.0.1/32" });
  expect(message?.body).toContain(attribute(4, "0a000001"));
});

test("a train too long for its buffer is an error, and nothing is cut", () => {
  const train = new MessageTrain();
  const fill = () => {
    for (let index = 0; index < 5000; index++) {
      writeRequest(train, { kind: "set", device: "p1" }, NUMBERS);
    }
  };
  expect(fill).toThrow(/train of more than/);
});
