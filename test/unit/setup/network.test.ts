import { describe, expect, test } from "vitest";
import { addressAt, parseNetwork, withoutPrefix } from "../../../src/setup/network.ts";

describe("networks", () => {
  test("addresses count from the first host", () => {
    const network = parseNetwork("198.18.0.0/15");
    expect(addressAt(network, 1)).toBe("198.18.0.1/15");
    expect(addressAt(network, 256)).toBe("198.18.1.0/15");
    expect(addressAt(network, 131070)).toBe("198.19.255.254/15");
  });

  test("host bits do not matter", () => {
    expect(parseNetwork("192.168.1.77/24")).toEqual(parseNetwork("192.168.1.0/24"));
    expect(addressAt(parseNetwork("255.255.255.255/30"), 2)).toBe("255.255.255.254/30");
    expect(addressAt(parseNetwork("0.0.0.0/0"), 1)).toBe("0.0.0.1/0");
  });

  test.each([0, 131071, -1])("there is no host %i in a /15", (index) => {
    expect(() => addressAt(parseNetwork("198.18.0.0/15"), index)).toThrow(/holds 131070 hosts/);
  });

  test.each([
    "",
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/31",
    "10.0.0.0/33",
    "10.0.0/8",
    "fd00::/8",
    "10.0.0.0/8/8",
    "10.0.0.0/ 8",
    "010.0.0.0/8",
  ])("%j is none", (text) => {
    expect(() => parseNetwork(text)).toThrow(`such as 198.18.0.0/15, not "${text}"`);
  });

  test("an address without its prefix length", () => {
    expect(withoutPrefix("10.0.0.1/8")).toBe("10.0.0.1");
    expect(withoutPrefix("10.0.0.1")).toBe("10.0.0.1");
  });
});
