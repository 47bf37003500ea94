import { describe, expect, test } from "vitest";
import { parseBtf } from "../../../src/probes/btf.ts";
import {
  findMember,
  MEMBERS,
  structDefinitions,
  typesOfFields,
} from "../../../src/probes/definitions.ts";
import { programFiles, readProgram } from "../../../src/probes/include.ts";
import { BtfBytes, KIND } from "./btf-bytes.ts";

/** A kernel whose structs have gaps, a struct without a name, and priv_flags as a field of bits. */
function kernel() {
  const btf = new BtfBytes();
  const int = btf.type(KIND.int, { name: "int", of: 4, words: [0x01000020] });
  const u32 = btf.type(KIND.int, { name: "unsigned int", of: 4, words: [32] });
  const u16 = btf.type(KIND.int, { name: "unsigned short", of: 2, words: [16] });
  const byte = btf.type(KIND.int, { name: "unsigned char", of: 1, words: [8] });
  const u64 = btf.type(KIND.int, { name: "unsigned long", of: 8, words: [64] });
  const struct = (name: string, of: number, members: [string, number, number][], flag = false) =>
    btf.type(KIND.struct, {
      name,
      of,
      flag,
      length: members.length,
      words: members.flatMap(([member, type, bits]) => [
        member === "" ? 0 : btf.text(member),
        type,
        bits,
      ]),
    });
  const nsCommon = struct("ns_common", 24, [["inum", u32, 128]]);
  const net = struct("net", 4096, [["ns", nsCommon, 1408]]);
  const toNet = btf.type(KIND.ptr, { of: net });
  const possible = btf.type(KIND.typedef, {
    name: "possible_net_t",
    of: struct("", 8, [["net", toNet, 0]]),
  });
  const device = struct(
    "net_device",
    2560,
    [
      ["priv_flags", u64, (32 << 24) | 0],
      ["lltx", u64, (1 << 24) | 32],
      ["mtu", u32, 448],
      ["ifindex", int, 1792],
      ["dev_addr", btf.type(KIND.ptr, { of: byte }), 1856],
      ["nd_net", possible, 2112],
      ["rx_handler_data", btf.type(KIND.ptr, {}), 2240],
    ],
    true,
  );
  const inside = struct("", 8, [["dev", btf.type(KIND.ptr, { of: device }), 0]]);
  struct("sk_buff", 232, [
    ["", inside, 128],
    ["sk", btf.type(KIND.ptr, { of: struct("sock", 776, []) }), 192],
    ["len", u32, 896],
    ["vlan_tci", u16, 1232],
    ["skb_iif", int, 1248],
    ["transport_header", u16, 1424],
    ["mac_header", u16, 1456],
    ["end", btf.type(KIND.typedef, { name: "sk_buff_data_t", of: u32 }), 1504],
    ["head", btf.type(KIND.ptr, { of: byte }), 1536],
    ["data", btf.type(KIND.ptr, { of: byte }), 1600],
  ]);
  struct("skb_shared_info", 320, [
    ["gso_size", u16, 32],
    ["gso_segs", u16, 48],
  ]);
  return parseBtf(btf.bytes(), ["net", "net_device", "sk_buff", "skb_shared_info"]);
}

describe("structs", () => {
  test("have each member that is read at its place, and nothing else", () => {
    expect(structDefinitions(kernel())).toEqual([
      "struct skb_shared_info { char pad0[4]; unsigned short gso_size; unsigned short gso_segs; char pad8[312]; };",
      "struct net_ns { unsigned int inum; };",
      "struct net { char pad0[192]; struct net_ns ns; char pad196[3900]; };",
      "struct net_device_nd_net { struct net * net; };",
      "struct net_device { unsigned int priv_flags; char pad4[52]; unsigned int mtu; char pad60[164]; int ifindex; char pad228[4]; unsigned char * dev_addr; char pad240[24]; struct net_device_nd_net nd_net; char pad272[8]; void * rx_handler_data; char pad288[2272]; };",
      "struct sk_buff { char pad0[16]; struct net_device * dev; struct sock * sk; char pad32[80]; unsigned int len; char pad116[38]; unsigned short vlan_tci; int skb_iif; char pad160[18]; unsigned short transport_header; char pad180[2]; unsigned short mac_header; char pad184[4]; unsigned int end; unsigned char * head; unsigned char * data; char pad208[24]; };",
    ]);
  });

  test("a kernel without one of the members leaves all to bpftrace", () => {
    const btf = new BtfBytes();
    btf.type(KIND.struct, { name: "skb_shared_info", of: 320 });
    expect(structDefinitions(parseBtf(btf.bytes(), Object.keys(MEMBERS)))).toBeNull();
  });

  test("a single bit is no member that can be read", () => {
    const btf = kernel();
    expect(findMember(btf, btf.struct("net_device") ?? 0, "lltx")).toBeNull();
    expect(findMember(btf, btf.struct("net_device") ?? 0, "absent")).toBeNull();
  });

  test("are all that the programs read", () => {
    const folder = "src/probes";
    const known = new Set(
      Object.values(MEMBERS).flatMap((paths) => paths.flatMap((one) => one.split("."))),
    );
    for (const file of programFiles(folder)) {
      const text = readProgram(folder, file).replace(/\/\*[\s\S]*?\*\//g, "");
      const read = [...text.matchAll(/(?<!args)(?:->|\)\.)(\w+)(?:\.([a-z]\w*))?/g)];
      const members = read.flatMap(([, member, inner]) => [member, ...(inner ? [inner] : [])]);
      expect(members.filter((member) => !known.has(member ?? ""))).toEqual([]);
    }
  });
});

test("types of a tracepoint's fields get definitions unless C knows them", () => {
  const format = [
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;",
    "\tfield:__data_loc char[] name;\toffset:20;\tsize:4;\tsigned:0;",
    "\tfield:const void * skbaddr;\toffset:8;\tsize:8;\tsigned:0;",
    "\tfield:unsigned char addr[6];\toffset:16;\tsize:6;\tsigned:0;",
    "\tfield:u16 vid;\toffset:22;\tsize:2;\tsigned:0;",
    "\tfield:bool added;\toffset:24;\tsize:1;\tsigned:0;",
    "\tfield:enum skb_drop_reason reason;\toffset:28;\tsize:4;\tsigned:0;",
  ];
  expect(typesOfFields(format.join("\n"))).toEqual([
    "#define s64 signed long",
    "#define u64 unsigned long",
    "#define u16 unsigned short",
    "#define bool unsigned char",
    "enum skb_drop_reason { skb_drop_reason_none };",
  ]);
});
