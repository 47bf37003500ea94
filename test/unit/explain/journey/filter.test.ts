import { describe, expect, it } from "vitest";
import { flowProgram, withinVxlan } from "../../../../src/explain/journey/filter.ts";
import type { Instruction } from "../../../../src/system/packet-tap.ts";
import { A, B, C, EVERYBODY } from "../bridge.ts";
import { arp, echo, ipv4, solicitation, tcp, udp } from "./frames.ts";

const SNAP = 160;

/** What of bpf(4) the programs use; reading beyond the frame ends with 0. */
function accepted(program: readonly Instruction[], frame: Buffer): number {
  let a = 0;
  for (let at = 0; at < program.length; at++) {
    const [code, jt, jf, k] = program[at] ?? [6, 0, 0, 0];
    const size = { 32: 4, 40: 2, 48: 1 }[code];
    if (size !== undefined) {
      if (k + size > frame.length) return 0;
      a = frame.readUIntBE(k, size);
    } else if (code === 0x05) at += k;
    else if (code === 0x15) at += a === k ? jt : jf;
    else if (code === 0x45) at += (a & k) !== 0 ? jt : jf;
    else if (code === 0x06) return k;
    else throw new Error(`instruction ${code} is not known`);
  }
  throw new Error("it has no end");
}

const there = { from: A, to: B, fromIp: "10.77.0.1", toIp: "10.77.0.2" };
const back = { from: B, to: A, fromIp: "10.77.0.2", toIp: "10.77.0.1" };
const ends = [
  { macs: [A], ips: ["10.77.0.1", "fd77::1"] },
  { macs: [B], ips: ["10.77.0.2", "fd77::2"] },
] as const;
const program = flowProgram(...ends, null, SNAP);

describe("takes", () => {
  it.each([
    ["there", echo(there, 1)],
    ["back", echo(back, 1, 0)],
    ["for the address of the other, at another MAC address", echo({ ...there, to: C }, 1)],
    ["of the address of the one, from another MAC address", echo({ ...there, from: C }, 1)],
    [
      "between their MAC addresses, whatever it is",
      ipv4({ ...there, fromIp: "9.9.9.9", toIp: "8.8.8.8" }, 1, Buffer.alloc(8)),
    ],
    ["a question of ARP", arp(1, { ...there, to: EVERYBODY })],
    ["a neighbour solicitation", solicitation(A, 2)],
  ])("a frame %s", (_, frame) => {
    expect(accepted(program, frame)).toBe(SNAP);
  });
});

describe("leaves", () => {
  it.each([
    ["of a third for the second", echo({ ...there, from: C, fromIp: "10.77.0.3" }, 1)],
    ["of the first for a third", echo({ ...there, to: C, toIp: "10.77.0.3" }, 1)],
    ["of the first for itself", echo({ ...there, to: A, toIp: "10.77.0.1" }, 1)],
    [
      "of a third that asks by ARP",
      arp(1, { from: C, to: EVERYBODY, fromIp: "10.77.0.3", toIp: "10.77.0.2" }),
    ],
    [
      "of the first for everybody",
      ipv4({ ...there, to: EVERYBODY, toIp: "255.255.255.255" }, 17, Buffer.alloc(8)),
    ],
  ])("a frame %s", (_, frame) => {
    expect(accepted(program, frame)).toBe(0);
  });
});

/** `tcpdump -ddd -y EN10MB icmp`. */
const ICMP: Instruction[] = [
  [40, 0, 0, 12],
  [21, 0, 3, 2048],
  [48, 0, 0, 23],
  [21, 0, 1, 1],
  [6, 0, 0, 262144],
  [6, 0, 0, 0],
];

it("asks an expression of the flow's frames alone, and lets ARP and IPv6's questions pass", () => {
  const only = flowProgram(...ends, ICMP, SNAP);
  expect(accepted(only, echo(there, 1))).toBe(SNAP);
  expect(accepted(only, tcp(there, 1, 10, 1))).toBe(0);
  expect(accepted(only, echo({ ...there, from: C, fromIp: "10.77.0.3" }, 1))).toBe(0);
  expect(accepted(only, arp(2, back))).toBe(SNAP);
  expect(accepted(only, solicitation(A, 2))).toBe(SNAP);
});

it("takes as much within VXLAN, and no other datagrams", () => {
  const vxlan = withinVxlan(flowProgram(...ends, ICMP, SNAP), 4789);
  const outer = { from: C, to: C, fromIp: "192.0.2.1", toIp: "192.0.2.2" };
  const packed = (frame: Buffer) => udp(outer, 4789, Buffer.concat([Buffer.alloc(8), frame]));
  expect(accepted(vxlan, packed(echo(there, 1)))).toBe(SNAP);
  expect(accepted(vxlan, packed(arp(2, back)))).toBe(SNAP);
  expect(accepted(vxlan, packed(tcp(there, 1, 10, 1)))).toBe(0);
  expect(accepted(vxlan, packed(echo({ ...there, toIp: "10.77.0.3", to: C }, 1)))).toBe(0);
  expect(accepted(vxlan, udp(outer, 53, Buffer.concat([Buffer.alloc(8), echo(there, 1)])))).toBe(0);
  expect(accepted(vxlan, echo(there, 1))).toBe(0);
});

it("stays within what a jump of a byte and BPF_MAXINSNS allow, however many addresses there are", () => {
  const many = (byte: number) => ({
    macs: Array.from({ length: 16 }, (_, at) => `02:00:00:00:${byte}0:${(16 + at).toString(16)}`),
    ips: Array.from({ length: 16 }, (_, at) => `fd77::${byte}:${at + 1}`),
  });
  const [a, b] = [many(1), many(2)];
  const long = withinVxlan(flowProgram(a, b, ICMP, SNAP), 4789);
  expect(long.length).toBeLessThan(4096);
  for (const [, jt, jf] of long) expect(Math.max(jt, jf)).toBeLessThan(256);
  const flow = flowProgram(a, b, null, SNAP);
  const last = { ...there, from: a.macs[15] ?? "", to: b.macs[15] ?? "" };
  expect(accepted(flow, echo(last, 1))).toBe(SNAP);
  expect(accepted(flow, echo({ ...last, to: C, toIp: "10.77.0.9" }, 1))).toBe(0);
});
