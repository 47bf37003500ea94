import { describe, expect, test } from "vitest";
import {
  FUNCTION_NAMES,
  type KernelFiles,
  type KernelFunction,
  placed,
  readFunctions,
  withRefusal,
} from "../../../src/probes/functions.ts";
import { BtfBytes, KIND, recorded } from "./btf-bytes.ts";

/** The files of a guest of that suite, with changes. */
function guest(suite: string, changes: Partial<KernelFiles> = {}): KernelFiles {
  const { kernel, btf } = recorded(suite);
  return {
    kallsyms: () => Buffer.from(`${kernel.kallsyms.join("\n")}\n`),
    filterFunctions: () => Buffer.from(`${kernel.filter.join("\n")}\n`),
    btf,
    release: kernel.release,
    kprobes: true,
    ...changes,
  };
}

/** Kallsyms of a guest in which a function has another symbol, or none. */
function renamed(suite: string, name: string, symbol: string | null): () => Buffer {
  const lines = recorded(suite).kernel.kallsyms.flatMap((line) => {
    if (!line.includes(` ${name}\t`)) return [line];
    return symbol === null ? [] : [line.replace(` ${name}\t`, ` ${symbol}\t`)];
  });
  return () => Buffer.from(lines.join("\n"));
}

function one(files: KernelFiles, name: string): KernelFunction {
  const found = readFunctions(files).get(name);
  if (found === undefined) throw new Error(`the table has no ${name}`);
  return found;
}

const registers = ({ parameters }: KernelFunction) =>
  parameters?.map(({ name, register }) => `${name}:${register}`).join(" ") ?? null;

/** In words: `both`, or the one or two reasons. */
const attach = ({ fentry, kprobe }: KernelFunction) =>
  fentry === null && kprobe === null ? "both" : [fentry, kprobe];

const ISRA = "compiled as fdb_delete.isra.0: its arguments may have moved";
const INLINED = "inlined: no such symbol";
const NO_MODULE_BTF = "no BTF for module bridge (Linux before 5.11)";

describe("the functions of a Debian kernel", () => {
  const others = FUNCTION_NAMES.filter(
    (name) => !["fdb_delete", "should_deliver", "deliver_clone", "loopback_xmit"].includes(name),
  );

  test.each(["bookworm"])("%s can be probed by both backends", (suite) => {
    const table = readFunctions(guest(suite));
    expect([...table.keys()]).toEqual(FUNCTION_NAMES);
    for (const name of others)
      expect(table.get(name), name).toMatchObject({ fentry: null, kprobe: null });
    expect(table.get("veth_xmit")?.module).toBe("veth");
    expect(table.get("br_flood")?.module).toBe("bridge");
  });

  test.each(["bookworm", "sid", "trixie", "bullseye"])(
    "%s has some that the compiler changed or inlined",
    (suite) => {
      const table = readFunctions(guest(suite));
      expect(table.get("fdb_delete")).toMatchObject({
        fentry: ISRA,
        kprobe: ISRA,
        module: "bridge",
      });
      expect(table.get("deliver_clone")).toMatchObject({ fentry: INLINED, kprobe: INLINED });
      expect(table.get("should_deliver")).toMatchObject({ fentry: INLINED, kprobe: INLINED });
    },
  );

  test("arguments are found by name in the module's BTF", () => {
    expect(registers(one(guest("bookworm"), "br_flood"))).toBe(
      "br:0 skb:1 pkt_type:2 local_rcv:3 local_orig:4",
    );
    expect(registers(one(guest("sid"), "br_flood"))).toBe(
      "br:0 skb:1 pkt_type:2 local_rcv:3 local_orig:4 vid:5",
    );
    expect(registers(one(guest("bookworm"), "br_multicast_flood"))).toBe(
      "mdst:0 skb:1 brmctx:2 local_rcv:3 local_orig:4",
    );
    expect(one(guest("sid"), "maybe_deliver").parameters?.[1]).toEqual({
      name: "p",
      type: "struct net_bridge_port *",
      register: 1,
    });
  });

  test("5.10 has no BTF for modules: kprobes only, arguments by the signatures of its source", () => {
    const files = guest("bullseye");
    const flood = one(files, "br_flood");
    expect(attach(flood)).toEqual([NO_MODULE_BTF, null]);
    expect(registers(flood)).toBe("br:0 skb:1 pkt_type:2 local_rcv:3 local_orig:4");
    expect(registers(one(files, "br_multicast_flood"))).toBe(
      "mdst:0 skb:1 local_rcv:2 local_orig:3",
    );
    expect(one(files, "br_fdb_find_rcu").parameters?.[1]).toEqual({
      name: "addr",
      type: "const unsigned char *",
      register: 1,
    });
    expect(attach(one(files, "veth_xmit"))[0]).toBe("no BTF for module veth (Linux before 5.11)");
    expect(registers(one(files, "fdb_create"))).toBeNull();
  });

  test("the signatures of 5.10 are for nothing later", () => {
    const files = guest("bookworm", { btf: () => null });
    expect(one(files, "br_flood")).toMatchObject({ parameters: null, kprobe: null });
    expect(one({ ...files, release: "5.11.0" }, "br_flood").parameters).toBeNull();
    expect(one({ ...files, release: "5.4.0-216" }, "br_flood").parameters).toHaveLength(5);
    expect(one({ ...files, release: "nonsense" }, "br_flood").parameters).toBeNull();
  });
});

describe("a function cannot be probed where", () => {
  test.each([
    ["br_flood.constprop.0", "compiled as br_flood.constprop.0: its arguments may have moved"],
    ["br_flood.part.0", "compiled as br_flood.part.0: its arguments may have moved"],
    ["br_flood.cold", INLINED],
    [null, INLINED],
  ])("its only symbol is %s", (symbol, reason) => {
    const files = guest("bookworm", { kallsyms: renamed("bookworm", "br_flood", symbol) });
    expect(attach(one(files, "br_flood"))).toEqual([reason, reason]);
  });

  test("its module is not loaded", () => {
    const kernel = recorded("bookworm").kernel.kallsyms.filter(
      (line) => !line.includes("[bridge]"),
    );
    const files = guest("bookworm", {
      kallsyms: () => Buffer.from(kernel.join("\n")),
      btf: (module) => (module === "bridge" ? null : recorded("bookworm").btf(module)),
    });
    const reason = "module bridge is not loaded";
    expect(one(files, "br_flood")).toMatchObject({ module: null, fentry: reason, kprobe: reason });
    expect(attach(one(files, "veth_xmit"))).toBe("both");
  });

  test("ftrace has not got it", () => {
    const filter = recorded("bookworm").kernel.filter.filter(
      (line) => !line.startsWith("br_flood"),
    );
    const files = guest("bookworm", { filterFunctions: () => Buffer.from(filter.join("\n")) });
    const reason = "not in available_filter_functions";
    expect(attach(one(files, "br_flood"))).toEqual([reason, reason]);
    expect(attach(one(files, "br_forward"))).toBe("both");
  });

  test("the kernel has no kprobes, which fentry does not mind", () => {
    const files = guest("bookworm", { kprobes: false });
    expect(attach(one(files, "br_flood"))).toEqual([
      null,
      "this kernel has no kprobes (CONFIG_KPROBES)",
    ]);
  });

  test("there is no BTF, which a kprobe does not mind", () => {
    const none = guest("bookworm", { btf: () => null });
    expect(attach(one(none, "br_flood"))).toEqual([
      "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)",
      null,
    ]);
    const btf = (module: string) =>
      module === "vmlinux" ? recorded("bookworm").btf(module) : null;
    expect(attach(one(guest("bookworm", { btf }), "br_flood"))).toEqual([
      "no BTF for module bridge (CONFIG_DEBUG_INFO_BTF_MODULES)",
      null,
    ]);
  });

  test("BTF leaves it out, or is broken", () => {
    const btf = (bytes: Buffer) => (module: string) =>
      module === "bridge" ? bytes : recorded("bookworm").btf(module);
    const empty = guest("bookworm", { btf: btf(new BtfBytes({ types: 1, strings: 0 }).bytes()) });
    expect(attach(one(empty, "br_flood"))).toEqual(["BTF has no function br_flood", null]);
    const broken = guest("bookworm", { btf: btf(Buffer.from("nonsense")) });
    expect(attach(one(broken, "br_flood"))).toEqual(["BTF of 8 bytes has no whole header", null]);
  });
});

describe("where a file cannot be read", () => {
  test("without kallsyms, what BTF has is taken to be there", () => {
    const files = guest("bookworm", { kallsyms: () => null, filterFunctions: () => null });
    expect(one(files, "br_flood")).toMatchObject({ module: "bridge", fentry: null, kprobe: null });
    expect(one(files, "deliver_clone").fentry).toBe("BTF has no function deliver_clone");
  });

  test("without tracefs, a symbol is taken to be traceable", () => {
    const files = guest("bookworm", { filterFunctions: () => null });
    expect(attach(one(files, "br_flood"))).toBe("both");
  });

  test("without anything, the table still has every function", () => {
    const table = readFunctions({
      kallsyms: () => null,
      filterFunctions: () => null,
      btf: () => null,
      release: "unknown",
      kprobes: false,
    });
    expect([...table.keys()]).toEqual(FUNCTION_NAMES);
  });
});

test("a bridge that is built in has its functions in the kernel's own BTF", () => {
  const btf = new BtfBytes();
  const skb = btf.type(KIND.struct, { name: "sk_buff", of: 232 });
  const toSkb = btf.type(KIND.ptr, { of: skb });
  btf.func("br_pass_frame_up", [["skb", toSkb]]);
  const files = guest("bookworm", {
    kallsyms: () => Buffer.from("ffffffff82153fa0 t br_pass_frame_up\n"),
    filterFunctions: () => null,
    btf: (module) => (module === "vmlinux" ? btf.bytes() : null),
  });
  const found = one(files, "br_pass_frame_up");
  expect(found).toMatchObject({ module: null, fentry: null, kprobe: null });
  expect(registers(found)).toBe("skb:0");
  expect(attach(one(files, "br_flood"))).toEqual([INLINED, INLINED]);
});

test("the same name in a foreign module is another function", () => {
  const kallsyms = () => Buffer.from("0000000000000000 t fdb_create\t[vxlan]\n");
  expect(one(guest("bookworm", { kallsyms }), "fdb_create").kprobe).toBe(
    "module bridge is not loaded",
  );
});

describe("registers by the calling convention of x86-64", () => {
  const words = (...sizes: number[]) =>
    placed(sizes.map((words, index) => ({ name: `p${index}`, type: "t", words }))).map(
      ({ register }) => register,
    );

  test.each([
    ["six scalars and no more", [1, 1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5, null]],
    ["a struct of 16 bytes takes two", [1, 2, 1], [0, 1, 3]],
    ["a larger one is on the stack and takes none", [3, 1, 1], [null, 0, 1]],
    [
      "one that no longer fits is on the stack, and what follows is not",
      [1, 1, 1, 1, 1, 2, 1],
      [0, 1, 2, 3, 4, null, 5],
    ],
    ["an empty one is nowhere", [0, 1], [null, 0]],
  ])("%s", (_, sizes, expected) => {
    expect(words(...sizes)).toEqual(expected);
  });
});

describe("a backend that was tried and refused", () => {
  const table = readFunctions(guest("bookworm"));

  test("attaches to nothing, and what is inlined stays so", () => {
    const refused = withRefusal(table, "fentry", "not permitted");
    expect(refused.get("br_flood")).toMatchObject({ fentry: "not permitted", kprobe: null });
    expect(refused.get("deliver_clone")?.fentry).toBe(INLINED);
    expect(table.get("br_flood")?.fentry).toBeNull();
  });

  test("by a reason of one function leaves the others alone", () => {
    expect(withRefusal(table, "fentry", INLINED)).toBe(table);
    expect(withRefusal(table, "fentry", null)).toBe(table);
  });
});
