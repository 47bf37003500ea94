import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BtfError, parseBtf } from "../../../src/probes/btf.ts";
import { BtfBytes, KIND, recorded } from "./btf-bytes.ts";

/** `type name, type name` and the registers that each takes. */
function signature(bytes: Buffer, name: string, base?: Buffer): string | null {
  const found = parseBtf(bytes, [name], base && parseBtf(base, [])).func(name);
  return (
    found?.parameters
      .map(({ name, type, words, aggregate }) => {
        return `${type} ${name}${words === 1 ? "" : `:${words}`}${aggregate ? " by value" : ""}`;
      })
      .join(", ") ?? null
  );
}

describe("parameters", () => {
  const btf = new BtfBytes();
  const int = btf.type(KIND.int, { name: "int", of: 4, words: [0] });
  const byte = btf.type(KIND.int, { name: "_Bool", of: 1, words: [0] });
  const bool = btf.type(KIND.typedef, { name: "bool", of: byte });
  const skb = btf.type(KIND.struct, { name: "sk_buff", of: 232 });
  const toSkb = btf.type(KIND.ptr, { of: skb });
  const toVoid = btf.type(KIND.ptr, { of: 0 });
  const constSkb = btf.type(KIND.const, { of: skb });
  const forward = btf.type(KIND.fwd, { name: "net_bridge" });
  const forwardUnion = btf.type(KIND.fwd, { name: "u", flag: true });
  const tagged = btf.type(KIND.typeTag, { name: "rcu", of: skb });
  const callback = btf.type(KIND.funcProto, { of: int });

  test.each<[string, string, number]>([
    ["an integer", "int x", int],
    ["a typedef", "bool x", bool],
    ["a pointer to a struct", "struct sk_buff * x", toSkb],
    ["a pointer to a pointer", "struct sk_buff ** x", btf.type(KIND.ptr, { of: toSkb })],
    ["a pointer to nothing", "void * x", toVoid],
    ["a pointer to a constant", "const struct sk_buff * x", btf.type(KIND.ptr, { of: constSkb })],
    ["a constant pointer", "struct sk_buff *const x", btf.type(KIND.const, { of: toSkb })],
    ["a pointer that is tagged", "struct sk_buff * x", btf.type(KIND.ptr, { of: tagged })],
    ["what is only declared", "struct net_bridge * x", btf.type(KIND.ptr, { of: forward })],
    ["a union only declared", "union u * x", btf.type(KIND.ptr, { of: forwardUnion })],
    ["a pointer to a function", "int () * x", btf.type(KIND.ptr, { of: callback })],
    ["an enum", "enum br_pkt_type x", btf.type(KIND.enum, { name: "br_pkt_type", of: 4 })],
    ["a wide enum", "enum wide x", btf.type(KIND.enum64, { name: "wide", of: 8 })],
    ["a small struct", "struct s8 x by value", btf.type(KIND.struct, { name: "s8", of: 8 })],
    ["a union", "union u12 x:2 by value", btf.type(KIND.union, { name: "u12", of: 12 })],
    ["a large struct", "struct s24 x:3 by value", btf.type(KIND.struct, { name: "s24", of: 24 })],
    ["an empty struct", "struct lock x:0 by value", btf.type(KIND.struct, { name: "lock" })],
    [
      "a wide integer",
      "__int128 x:2",
      btf.type(KIND.int, { name: "__int128", of: 16, words: [0] }),
    ],
  ])("%s is written %j", (title, text, type) => {
    const name = `takes_${title.replaceAll(" ", "_")}`;
    btf.func(name, [["x", type]]);
    expect(signature(btf.bytes(), name)).toBe(text);
  });

  test("of a function without a prototype's name come in order, and `...` is none", () => {
    btf.func("printk", [
      ["level", int],
      ["skb", toSkb],
      ["...", 0],
    ]);
    btf.func("nothing", []);
    expect(signature(btf.bytes(), "printk")).toBe("int level, struct sk_buff * skb");
    expect(signature(btf.bytes(), "nothing")).toBe("");
  });

  test("only of functions that were asked for, and there", () => {
    const found = parseBtf(btf.bytes(), ["nothing", "br_flood"]);
    expect(found.func("nothing")).not.toBeNull();
    expect(found.func("br_flood")).toBeNull();
    expect(found.func("printk")).toBeNull();
  });

  test("are not taken from a name that only begins or ends alike", () => {
    btf.func("br_forward_finish", [["x", int]]);
    btf.func("__br_forward", [["x", int]]);
    expect(signature(btf.bytes(), "br_forward")).toBeNull();
    expect(signature(btf.bytes(), "br_forward_finish")).toBe("int x");
  });
});

test("every kind is passed over by its own length", () => {
  const btf = new BtfBytes();
  const int = btf.type(KIND.int, { name: "int", of: 4, words: [0] });
  // Words that would be read as types if a length were wrong.
  const junk = (words: number) => Array.from({ length: words }, () => 0xffffffff);
  btf.type(KIND.array, { words: junk(3) });
  btf.type(KIND.struct, { length: 3, words: junk(9) });
  btf.type(KIND.union, { length: 2, words: junk(6) });
  btf.type(KIND.enum, { length: 3, words: junk(6) });
  btf.type(KIND.funcProto, { length: 2, words: junk(4) });
  btf.type(KIND.var, { words: junk(1) });
  btf.type(KIND.datasec, { length: 2, words: junk(6) });
  btf.type(KIND.declTag, { words: junk(1) });
  btf.type(KIND.enum64, { length: 2, words: junk(6) });
  for (const kind of [KIND.ptr, KIND.fwd, KIND.typedef, KIND.volatile, KIND.const]) {
    btf.type(kind, {});
  }
  for (const kind of [KIND.restrict, KIND.float, KIND.typeTag]) btf.type(kind, {});
  btf.func("last", [["x", int]]);
  expect(signature(btf.bytes(), "last")).toBe("int x");
  expect(parseBtf(btf.bytes(), []).types).toBe(1 + 20);
});

describe("a module's BTF", () => {
  test("counts on where the kernel's ends", () => {
    const base = new BtfBytes();
    const skb = base.type(KIND.struct, { name: "sk_buff", of: 232 });
    const nameInBase = base.text("skb");
    const whole = parseBtf(base.bytes(), []);
    const module = new BtfBytes(whole);
    const toSkb = module.type(KIND.ptr, { of: skb });
    expect(toSkb).toBe(whole.types);
    const words = [nameInBase, toSkb];
    const prototype = module.type(KIND.funcProto, { length: 1, words });
    module.type(KIND.func, { name: "br_pass_frame_up", of: prototype });
    expect(signature(module.bytes(), "br_pass_frame_up", base.bytes())).toBe(
      "struct sk_buff * skb",
    );
  });

  test.each([
    [
      "bookworm",
      "br_flood",
      "struct net_bridge * br, struct sk_buff * skb, enum br_pkt_type pkt_type, bool local_rcv, bool local_orig",
    ],
    [
      "bookworm",
      "br_fdb_update",
      "struct net_bridge * br, struct net_bridge_port * source, const unsigned char * addr, u16 vid, long unsigned int flags",
    ],
    [
      "sid",
      "br_flood",
      "struct net_bridge * br, struct sk_buff * skb, enum br_pkt_type pkt_type, bool local_rcv, bool local_orig, u16 vid",
    ],
    ["sid", "br_handle_frame", "struct sk_buff ** pskb"],
    [
      "sid",
      "fdb_delete",
      "struct net_bridge * br, struct net_bridge_fdb_entry * f, bool swdev_notify",
    ],
    ["bookworm", "fdb_delete", null],
  ])("of %s tells %s as that kernel has it", (suite, name, expected) => {
    const { btf } = recorded(suite);
    const [module, base] = [btf("bridge"), btf("vmlinux")];
    if (module === null || base === null) throw new Error("the fixture is not there");
    expect(signature(module, name, base)).toBe(expected);
  });
});

describe("a file that is not whole", () => {
  const btf = new BtfBytes();
  const int = btf.type(KIND.int, { name: "int", of: 4, words: [0] });
  btf.func("last", [["x", int]]);
  const good = btf.bytes();
  const changed = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(good);
    copy.set(bytes, at);
    return copy;
  };

  test.each<[string, Buffer, string | RegExp]>([
    ["nothing", Buffer.alloc(0), "BTF of 0 bytes has no whole header"],
    ["another file", Buffer.from("\x7fELF".padEnd(64)), "not BTF: the magic number is missing"],
    ["big-endian", changed(0, 0xeb, 0x9f), "BTF is big-endian; little-endian was expected"],
    ["a later version", changed(2, 2), "BTF has version 2; 1 was expected"],
    [
      "a later kind",
      changed(24 + 7, 20),
      "BTF has a type of kind 20, which this reader does not know",
    ],
    [
      "a kind of zero",
      changed(24 + 7, 0),
      "BTF has a type of kind 0, which this reader does not know",
    ],
    ["types beyond the end", changed(12, 0xff, 0xff), /^BTF is cut off: its types end at 65559 of/],
  ])("%s is refused", (_, bytes, message) => {
    expect(() => parseBtf(bytes, ["last"])).toThrow(BtfError);
    expect(() => parseBtf(bytes, ["last"])).toThrow(message);
  });

  test("is refused wherever it was cut off", () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => parseBtf(good.subarray(0, length), ["last"])).toThrow(BtfError);
    }
  });

  test("a type that refers to itself ends in an error", () => {
    const loop = new BtfBytes();
    loop.type(KIND.typedef, { name: "a", of: 2 });
    loop.type(KIND.const, { of: 1 });
    loop.func("last", [["x", 1]]);
    expect(() => signature(loop.bytes(), "last")).toThrow("refers to itself");
    const pointers = new BtfBytes();
    pointers.type(KIND.ptr, { of: 1 });
    pointers.func("last", [["x", 1]]);
    expect(() => signature(pointers.bytes(), "last")).toThrow("refers to itself");
  });

  test("garbage anywhere gives an answer or a BtfError, and soon", () => {
    const { btf } = recorded("bookworm");
    const [module, vmlinux] = [btf("veth"), btf("vmlinux")];
    if (module === null || vmlinux === null) throw new Error("the fixture is not there");
    const base = parseBtf(vmlinux, []);
    const property = fc.property(
      fc.array(fc.tuple(fc.nat(module.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
      (changes) => {
        const bytes = Buffer.from(module);
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          parseBtf(bytes, ["veth_xmit"], base).func("veth_xmit");
        } catch (error) {
          if (!(error instanceof BtfError)) throw error;
        }
      },
    );
    expect(() => fc.assert(property, { numRuns: 2000 })).not.toThrow();
  });
});
