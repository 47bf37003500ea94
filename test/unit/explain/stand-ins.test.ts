import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AddressStandIns } from "../../../src/explain/stand-ins.ts";

const byte = fc.integer({ min: 0, max: 255 });
const hex = (value: number, digits = 2) => value.toString(16).padStart(digits, "0");
const bytes = (count: number) => fc.tuple(...Array.from({ length: count }, () => byte));

const mac = bytes(6).map((all) => all.map((one) => hex(one)).join(":"));
const ipv4 = bytes(4).map((all) => all.join("."));
const ipv6 = bytes(16).map((all) =>
  Array.from({ length: 8 }, (_, at) =>
    hex(((all[at * 2] ?? 0) << 8) | (all[at * 2 + 1] ?? 0), 4),
  ).join(":"),
);

const standIns = (...texts: string[]) => {
  const all = new AddressStandIns();
  return texts.map((text) => all.of(text));
};

describe("stand-ins for addresses", () => {
  it("are the same for the same address however it is written, and others for others", () => {
    const [lower, upper, short, bridge, other] = standIns(
      ...["52:54:00:12:34:56", "52:54:00:12:34:56".toUpperCase(), "52:54:0:12:34:56"],
      ...["8000.52:54:0:12:34:56", "52:54:00:12:34:57"],
    );
    expect(new Set([lower, upper, short])).toEqual(new Set(["02:00:00:00:00:01"]));
    expect(bridge).toBe(`8000.${lower}`);
    expect(other).toBe("02:00:00:00:00:02");
    const six = standIns("fd77::1", "FD77:0:0::1", "fd77:0:0:0:0:0:0:1/64");
    expect(six).toEqual([six[0], six[0], `${six[0]}/64`]);
    const [dotted, grouped] = standIns("::ffff:10.1.2.3", "::ffff:a01:203");
    expect(dotted).toBe(grouped);
    expect(standIns("10.1.2.3/24", "10.1.2.3", "10.1.2.4")).toEqual([
      ...["198.18.0.1/24", "198.18.0.1", "198.18.0.2"],
    ]);
  });

  it("leave what names nobody", () => {
    const plain =
      "ff:ff:ff:ff:ff:ff 01:80:c2:00:00:00 33:33:00:00:00:01 33:33:00:00:00:16 00:00:00:00:00:00 0.0.0.0 127.0.0.1 127.0.0.0/8 224.0.0.1 224.0.0.251 239.255.255.250 255.255.255.255 ::1 :: ff02::1 ff02::fb fe80::/64 ff00::/8 8000.00:00:00:00:00:00";
    expect(standIns(...plain.split(" "))).toEqual(plain.split(" "));
  });

  it("leave what whoever is the master has, of any network", () => {
    const plain = "00:00:5e:00:01:07 00:00:5e:00:02:07 00:00:0c:07:ac:01 00:07:b4:00:01:02".split(
      " ",
    );
    expect(standIns(...plain)).toEqual(plain);
    expect(standIns("00:00:5e:10:01:07")).toEqual(["02:00:00:00:00:01"]);
  });

  it("are none for what is no address", () => {
    const texts = ["", "eth0", "1.2.3", "1.2.3.4.5", "12:34:56", "fe80::1%eth0", "a::b::c", "::x"];
    expect(standIns(...texts)).toEqual(texts.map(() => null));
  });

  it("keep a group with its MAC address, and with the host that it is solicited for", () => {
    const [group, groupMac, twin] = standIns("239.66.77.88", "01:00:5e:42:4d:58", "238.194.77.88");
    expect([group, groupMac, twin]).toEqual(["239.192.0.1", "01:00:5e:40:00:01", "238.192.0.1"]);
    const [six, sixMac, sixTwin] = standIns("ff05::6677", "33:33:00:00:66:77", "ff05:1::6677");
    expect([six, sixMac]).toEqual(["ff05::db8:1", "33:33:0d:b8:00:01"]);
    expect(sixTwin).not.toBe(six);
    const [host, linkLocal, solicited, itsMac, another] = standIns(
      ...["fd77::5054:ff:fe12:3456", "fe80::5054:ff:fe12:3456", "ff02::1:ff12:3456"],
      ...["33:33:ff:12:34:56", "fd77::5054:ff:fe12:3457"],
    );
    expect(solicited).toBe("ff02::1:ff00:1");
    expect(itsMac).toBe("33:33:ff:00:00:01");
    expect(host).toMatch(/^2001:db8:.*00:1$/);
    expect(linkLocal).toMatch(/^fe80::.*00:1$/);
    expect(another).toMatch(/^2001:db8:.*00:2$/);
  });

  it("keep networks of IPv6 together", () => {
    const [network, one, other] = standIns("fd77:1::/64", "fd77:1::9", "fd77:2::9");
    expect(one?.startsWith(network?.replace("/64", "") ?? "-")).toBe(true);
    expect(other?.startsWith(network?.replace("/64", "") ?? "-")).toBe(false);
  });

  it("are of the same family and kind, and no two the same", () => {
    const address = fc.oneof(mac, ipv4, ipv6);
    fc.assert(
      fc.property(fc.uniqueArray(address, { minLength: 1, maxLength: 200 }), (addresses) => {
        const found = standIns(...addresses);
        for (const [index, original] of addresses.entries()) {
          const standIn = found[index] ?? "";
          expect([isIPv4(standIn), isIPv6(standIn)]).toEqual([isIPv4(original), isIPv6(original)]);
          if (isIPv4(original)) expect(groupOf4(standIn)).toBe(groupOf4(original));
          else if (isIPv6(original)) expect(/^ff/.test(standIn)).toBe(/^ff/.test(original));
          else expect(groupOfMac(standIn)).toBe(groupOfMac(original));
        }
        // Groups may share a MAC address, but a host's is its own.
        const own = found.filter((_, index) => !isGroupMac(addresses[index] ?? ""));
        expect(new Set(own).size).toBe(own.length);
      }),
      { seed: 225 },
    );
  });
});

function groupOf4(text: string): boolean {
  const [first = 0] = text.split(".").map(Number);
  return first >= 224 && first < 240;
}

function groupOfMac(text: string): number {
  return Number.parseInt(text, 16) & 1;
}

function isGroupMac(text: string): boolean {
  return !isIPv4(text) && !isIPv6(text) && groupOfMac(text) === 1;
}
