import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMask } from "../../../src/explain/mask.ts";

const byte = fc.integer({ min: 0, max: 255 });
const hex = (value: number) => value.toString(16).padStart(2, "0");

describe("a mask", () => {
  const mask = createMask(["br0", "pa", "web.example", "$(id)", "veth-a"]);

  it("gives the same stand-in for the same name or address, and another for another", () => {
    const text = mask.text("pa 52:54:00:12:34:56 br0 pa 10.1.2.3/24 fe80::1/64 52:54:00:12:34:57");
    const [pa, mac, br0, again, ip, ip6, other] = text.split(" ");
    expect(pa).toBe(again);
    expect(new Set([pa, mac, br0, ip, ip6, other]).size).toBe(6);
    expect(text).not.toMatch(/\bpa\b|br0|52:54|10\.1|fe80/);
    expect(ip).toMatch(/\/24$/);
    expect(ip6).toMatch(/\/64$/);
    expect(mask.text("[52:54:00:12:34:56]")).toBe(`[${mac}]`);
    expect(mask.text("52:54:00:12:34:56".toUpperCase())).toBe(mac);
    expect(mask.text("bridge_id 8000.52:54:0:12:34:56")).toBe(`bridge_id 8000.${mac}`);
  });

  it("hides whose group a solicited-node address is", () => {
    const text = mask.text("33:33:ff:80:e5:70 ff02::1:ff80:e570/128 33:33:ff:80:e5:70");
    expect(text).toMatch(/^(33:33:ff:00:00:01) ff02::1:ff00:1\/128 \1$/);
  });

  it("takes whole names only, with whatever is in them", () => {
    expect(mask.text("pb spa pa-1 pax")).toBe("pb spa pa-1 pax");
    expect(mask.text("pa@if3: web.example '$(id)' veth-a,")).not.toMatch(/pa|web|id|veth/);
  });

  it("leaves what names nobody", () => {
    const plain =
      "ff:ff:ff:ff:ff:ff 01:80:c2:00:00:00 33:33:00:00:00:01 0.0.0.0 127.0.0.1 224.0.0.1 255.255.255.0 ::1 :: ff02::1 12:34:56 6.18.44 1.2.3.4.5 00:00:00:00:00:00 a::b::c:x 2026-11-27T01:02:03Z";
    expect(mask.text(plain)).toBe(plain);
  });

  it("lets no address through", () => {
    const mac = fc
      .tuple(byte, byte, byte, byte, byte, byte)
      .map(([first, ...rest]) => [first & 0xfe, ...rest].map(hex).join(":"))
      .filter((text) => !text.startsWith("02:00:00:00") && text !== "00:00:00:00:00:00");
    const ip = fc
      .tuple(fc.integer({ min: 1, max: 223 }), byte, byte, byte)
      .filter(([first]) => first !== 127 && first !== 198)
      .map((bytes) => bytes.join("."));
    const filler = fc.constantFrom(" dev pa ", "\n", " (", ") ", "/24 ", ", ", '"');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(mac, ip), filler), { minLength: 1 }), (parts) => {
        const text = createMask(["pa"]).text(parts.flat().join(""));
        for (const [address] of parts) {
          const whole = new RegExp(`(?<![\\w.:])${address.replaceAll(".", "\\.")}(?![\\w.:])`);
          expect(text).not.toMatch(whole);
        }
        expect(text).not.toMatch(/\bpa\b/);
      }),
    );
  });
});
