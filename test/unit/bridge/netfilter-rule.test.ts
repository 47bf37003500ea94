/** Rules of nf_tables as the kernel lays them out. */
import { describe, expect, it } from "vitest";
import { parseRule } from "../../../src/bridge/netfilter-rule.ts";
import { MessageTrain } from "../../../src/system/netlink-messages.ts";

type Expression = readonly [string, ...(readonly [type: number, value: Buffer])[]];

const be = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const text = (value: string) => Buffer.from(`${value}\0`);
const name16 = (value: string) => Buffer.concat([Buffer.from(value)], 16);
const ip = (...bytes: number[]) => Buffer.from(bytes);

/** Attributes within an attribute. */
function nested(...attributes: (readonly [number, Buffer])[]): Buffer {
  const train = new MessageTrain();
  train.message(0, 0, () => {
    for (const [type, value] of attributes) train.attribute(type, value);
  });
  return Buffer.from(train.bytes().subarray(16));
}

const meta = (key: number): Expression => ["meta", [1, be(1)], [2, be(key)]];
const payload = (base: number, offset: number, length: number): Expression => [
  ...(["payload", [1, be(1)], [2, be(base)], [3, be(offset)], [4, be(length)]] as const),
];
const cmp = (value: Buffer, operation = 0): Expression => [
  ...(["cmp", [1, be(1)], [2, be(operation)], [3, nested([1, value])]] as const),
];
const counter = (packets: number): Expression => [
  ...(["counter", [2, Buffer.concat([be(0), be(packets)])]] as const),
];
const verdict = (code: number, chain?: string): Expression => {
  const to: [number, Buffer][] = chain === undefined ? [] : [[2, text(chain)]];
  return ["immediate", [1, be(0)], [2, nested([2, nested([1, be(code)], ...to)])]];
};

const DROP = verdict(0);
const META = { oif: 5, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 };

function parse(family: "ip" | "ip6" | "inet" | "bridge", ...expressions: Expression[]) {
  const list = expressions.map(([name, ...data]): [number, Buffer] => [
    1,
    nested([1, text(name)], [2, nested(...data)]),
  ]);
  const comment = Buffer.concat([Buffer.from([0, 4]), text("web")]);
  return parseRule(
    family,
    nested(
      [1, text("t")],
      [2, text("c")],
      [3, Buffer.concat([be(0), be(9)])],
      [4, nested(...list)],
      [7, comment],
    ),
  );
}

describe("a rule", () => {
  it("that asks for nothing", () => {
    expect(parse("inet", counter(7), DROP)).toEqual({
      ...{ handle: 9, frames: 7, verdict: "drop", map: null, devices: [], etherType: null },
      ...{ protocol: null, addresses: [], asks: [], comment: "web" },
    });
  });

  it("about devices: by name, by what it begins with, by ifindex, and not by one", () => {
    const index = Buffer.alloc(4);
    index.writeUInt32LE(7);
    const rule = parse(
      ...(["inet", meta(META.iifname), cmp(name16("br0")), meta(META.oifname)] as const),
      ...[cmp(Buffer.from("veth"), 1), meta(META.oif), cmp(index), verdict(1)],
    );
    expect(rule.devices).toEqual([
      { side: "in", device: "br0", not: false },
      { side: "out", device: "veth*", not: true },
      { side: "out", device: 7, not: false },
    ]);
    expect([rule.verdict, rule.asks]).toEqual(["accept", []]);
  });

  it("about hosts, in the family that it is of or asks for", () => {
    const source = [payload(1, 12, 4), cmp(ip(10, 0, 0, 1)), DROP];
    const addresses = [{ side: "source", address: "10.0.0.1" }];
    expect(parse("ip", ...source)).toMatchObject({
      asks: ["ip saddr"],
      etherType: 0x0800,
      addresses,
    });
    const six = Buffer.from("fd770000000000000000000000000002", "hex");
    expect(parse("ip6", payload(1, 24, 16), cmp(six), DROP)).toMatchObject({
      ...{ asks: ["ip6 daddr"], etherType: 0x86dd },
      addresses: [{ side: "destination", address: "fd77::2" }],
    });
    const four = [meta(META.nfproto), cmp(ip(2)), ...source];
    expect(parse("inet", ...four)).toMatchObject({
      etherType: 0x0800,
      asks: ["ip saddr"],
      addresses,
    });
    const mac = Buffer.from("020000000001", "hex");
    expect(parse("bridge", payload(0, 6, 6), cmp(mac), DROP)).toMatchObject({
      ...{ asks: ["ether saddr"], addresses: [{ side: "source", address: "02:00:00:00:00:01" }] },
    });
  });

  it("about a network, or about others, names no single address", () => {
    expect(parse("ip", payload(1, 12, 3), cmp(ip(10, 0, 0)), DROP).addresses).toEqual([]);
    expect(parse("ip", payload(1, 12, 4), cmp(ip(10, 0, 0, 1), 1), DROP).addresses).toEqual([]);
    const mask: Expression = ["bitwise", [1, be(1)], [2, be(1)]];
    const masked = parse("ip", payload(1, 12, 4), mask, cmp(ip(10, 0, 0, 0)), DROP);
    expect([masked.addresses, masked.asks]).toEqual([[], ["ip saddr"]]);
  });

  it("counts what fits it only where nothing is asked behind the counter", () => {
    const tcp = [meta(META.l4proto), cmp(ip(6))];
    expect(parse("ip", ...tcp, counter(7), DROP)).toMatchObject({ frames: 7, protocol: 6 });
    expect(parse("ip", counter(7), ...tcp, DROP).frames).toBeNull();
    expect(parse("ip", ...tcp, DROP).frames).toBeNull();
  });

  it("decides by a chain, by x_tables, by a map, or not at all", () => {
    expect(parse("ip", verdict(-3, "FW")).verdict).toBe("jump FW");
    expect(parse("ip", verdict(-4, "FW")).verdict).toBe("goto FW");
    expect(parse("ip", verdict(-5)).verdict).toBe("return");
    expect(parse("ip", ["reject", [1, be(0)]]).verdict).toBe("reject");
    expect(parse("ip", ["target", [1, text("REJECT")]]).verdict).toBe("reject");
    expect(parse("ip", ["target", [1, text("MASQUERADE")]]).verdict).toBeNull();
    expect(parse("ip", counter(1)).verdict).toBeNull();
    const state: Expression = ["ct", [1, be(1)], [2, be(0)]];
    const map = parse("ip", state, ["lookup", [1, text("__map0")], [2, be(1)], [3, be(0)]]);
    expect(map).toMatchObject({ verdict: "vmap", map: "__map0", asks: ["ct state"] });
  });

  it("of iptables asks for its matches by their names, and has its comment in one", () => {
    const match = (name: string, info: Buffer): Expression => ["match", [1, text(name)], [3, info]];
    const rule = parse(
      ...(["ip", match("physdev", Buffer.alloc(4)), match("comment", text("by hand"))] as const),
      ...[counter(3), DROP],
    );
    expect(rule).toMatchObject({ asks: ["physdev"], comment: "by hand", frames: 3 });
  });
});
