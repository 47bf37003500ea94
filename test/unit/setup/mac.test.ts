import { describe, expect, test } from "vitest";
import { macAddress } from "../../../src/setup/mac.ts";
import { macBytes, macInteger, macOfInteger } from "../../../src/text/mac-address.ts";

describe("link-layer addresses of a lab", () => {
  test("are locally administered, unicast, and all different", () => {
    const kinds = ["host", "port", "bridge", "sender"] as const;
    const all = kinds.flatMap((kind) =>
      [0, 1, 255, 256, 65_536, 1_000_000].map((index) => macAddress("0badcafe", kind, index)),
    );
    for (const address of all) expect(address).toMatch(/^02(:[0-9a-f]{2}){5}$/);
    expect(new Set(all).size).toBe(all.length);
  });

  test("tell labs apart by their second and third byte", () => {
    const prefix = (id: string, index: number) => macAddress(id, "host", index).slice(0, 8);
    expect(prefix("0badcafe", 1)).toBe(prefix("0badcafe", 2));
    expect(prefix("0badcafe", 1)).not.toBe(prefix("0badcaff", 1));
  });

  test("are read by probes with the first byte lowest", () => {
    expect(macBytes("02:00:00:00:00:ff")).toEqual(Buffer.from([2, 0, 0, 0, 0, 255]));
    expect(macInteger("02:00:00:00:00:ff")).toBe(0xff0000000002n);
    expect(macOfInteger((7n << 48n) | 0xff0000000002n)).toBe("02:00:00:00:00:ff");
  });
});
