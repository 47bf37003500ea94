import { describe, expect, it } from "vitest";
import { ip4Groups, ip6Groups } from "../../../src/bridge/joined.ts";
import { addRouter, membersOf } from "../../../src/bridge/multicast.ts";
import { guestName } from "../../../src/bridge/owner.ts";
import { vlansOf } from "../../../src/bridge/vlans.ts";
import { ipText } from "../../../src/system/neighbours.ts";
import { eachMessage } from "../../../src/system/netlink-dump.ts";

/** An attribute IFLA_BRIDGE_VLAN_INFO. */
function vlan(flags: number, vid: number): Buffer {
  return Buffer.from(Uint16Array.of(8, 2, flags, vid).buffer);
}

describe("VLANs of a port", () => {
  it("have their flags, and ranges are spelled out", () => {
    const spec = Buffer.concat([vlan(6, 1), vlan(8, 10), vlan(16, 12), vlan(4, 20)]);
    const tagged = (vid: number) => ({ vid, pvid: false, untagged: false });
    expect(vlansOf(spec)).toEqual([
      { vid: 1, pvid: true, untagged: true },
      tagged(10),
      tagged(11),
      tagged(12),
      { vid: 20, pvid: false, untagged: true },
    ]);
  });
});

/** An attribute of netlink. */
function attribute(type: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const room = Buffer.alloc((4 + value.length + 3) & ~3);
  room.writeUInt16LE(4 + value.length, 0);
  room.writeUInt16LE(type, 2);
  value.copy(room, 4);
  return room;
}

describe("the members of a group", () => {
  /** MDBA_MDB_ENTRY_INFO: struct br_mdb_entry of 239.1.1.1, and attributes. */
  const member = (ifindex: number, flags: number, ...attributes: Buffer[]) => {
    const info = Buffer.alloc(28);
    info.writeUInt32LE(ifindex, 0);
    info.writeUInt8(flags, 5);
    info.set([239, 1, 1, 1], 8);
    info.writeUInt16BE(0x0800, 24);
    return attribute(1, info, ...attributes);
  };

  it("are not the ports that refused the source", () => {
    const source = attribute(4, Buffer.from([10, 0, 0, 7]));
    const entry = Buffer.concat([member(3, 0, source), member(4, 8, source), member(5, 0)]);
    expect(membersOf(entry)).toMatchObject([
      { port: 3, group: "239.1.1.1", source: "10.0.0.7" },
      { port: 5, group: "239.1.1.1", source: null },
    ]);
  });

  it("go with routers by address family, where a kernel tells these apart", () => {
    const port = (ifindex: number, ...timers: number[]) => {
      const number = Buffer.from(Uint32Array.of(ifindex).buffer);
      return Buffer.concat([number, ...timers.map((type) => attribute(type, Buffer.alloc(4)))]);
    };
    const routers = new Map();
    // TIMER alone before 5.14; INET_TIMER and INET6_TIMER since, and a port once a VLAN.
    for (const row of [port(3, 1), port(4, 1, 3), port(5, 1, 3), port(5, 1, 4)]) {
      addRouter(routers, row);
    }
    expect([...routers.values()]).toEqual([
      { port: 3, ip4: true, ip6: true },
      { port: 4, ip4: true, ip6: false },
      { port: 5, ip4: true, ip6: true },
    ]);
  });
});

describe("a guest's name", () => {
  it.each([
    [["-name", "guest=web,debug-threads=on"], "web"],
    [["-name", "debug-threads=on,guest=web"], "web"],
    [["-name", "web,process=x"], "web"],
    [["-name", "guest=a,,b"], "a,b"],
    [["-name", "debug-threads=on"], null],
    [["-name"], null],
    [["-m", "1G"], null],
  ])("in %j is %s", (words, name) => {
    expect(guestName(["qemu-system-x86_64", ...words])).toBe(name);
  });
});

describe("an IP address", () => {
  it.each([
    ["0a000001", "10.0.0.1"],
    ["fe800000000000000000000000000006", "fe80::6"],
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["00000000000100000000000100010001", "::1:0:0:1:1:1"],
    ["20010db8000100010001000100000001", "2001:db8:1:1:1:1:0:1"],
    ["0102", null],
  ])("of the bytes %s is %s", (hex, text) => {
    expect(ipText(Buffer.from(hex, "hex"))).toBe(text);
  });
});

describe("netlink messages", () => {
  const message = (type: number, body: Buffer) => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(16 + body.length, 0);
    header.writeUInt16LE(type, 4);
    return Buffer.concat([header, body]);
  };

  it("end with the errno of what was refused, or with none", () => {
    const refusal = Buffer.alloc(20);
    refusal.writeInt32LE(-19);
    const types: number[] = [];
    const read = (...messages: Buffer[]) =>
      eachMessage(Buffer.concat(messages), (type) => types.push(type));
    expect(read(message(16, Buffer.alloc(16)))).toBeNull();
    expect(read(message(2, refusal))).toBe(19);
    expect(read(message(16, Buffer.alloc(16)), message(3, Buffer.alloc(4)))).toBeCloseTo(0);
    expect(types).toEqual([16, 16]);
    expect(() => read(Buffer.alloc(16))).toThrow("broken");
  });
});

describe("joined groups", () => {
  it("of IPv4 stand below their device, as numbers of this machine's byte order", () => {
    const text = `Idx	Device    : Count Querier	Group    Users Timer	Reporter
1	lo        :     1      V3
				010000E0     1 0:00000000		0
12	a;"b$(id): :     2      V2
				FB0000E0     1 0:00000000		0
				030201EF     1 1:00000A10		1
`;
    expect([...ip4Groups(text)]).toEqual([
      [1, ["224.0.0.1"]],
      [12, ["224.0.0.251", "239.1.2.3"]],
    ]);
    expect([...ip4Groups("")]).toEqual([]);
  });

  it("of IPv6 stand one in a line", () => {
    const text = `2    eth0            ff0200000000000000000001ff000002     1 00000004 0
2    eth0            ff020000000000000000000000000001     1 0000000C 0
1234 a"$(id)         ff020000000000000000000000000001     1 0000000C 0
`;
    expect([...ip6Groups(text)]).toEqual([
      [2, ["ff02::1:ff00:2", "ff02::1"]],
      [1234, ["ff02::1"]],
    ]);
  });
});
