import { describe, expect, test } from "vitest";
import type { FunctionTable, KernelFunction } from "../../../src/probes/functions.ts";
import { translate } from "../../../src/probes/translate.ts";

function known(name: string, module: string | null, ...parameters: string[]): KernelFunction {
  return {
    name,
    module,
    parameters: parameters.map((text, register) => {
      const split = text.lastIndexOf(" ");
      return { name: text.slice(split + 1), type: text.slice(0, split), register };
    }),
    fentry: null,
    kprobe: null,
  };
}

const table = (...functions: KernelFunction[]): FunctionTable =>
  new Map(functions.map((found) => [found.name, found]));

const FLOOD = known(
  "br_flood",
  "bridge",
  "struct net_bridge * br",
  "struct sk_buff * skb",
  "enum br_pkt_type pkt_type",
  "bool local_rcv",
  "const unsigned char * addr",
  "u16 vid",
);
const VETH = known("veth_xmit", null, "struct sk_buff * skb", "struct net_device * dev");
const FUNCTIONS = table(FLOOD, VETH);

const SOURCE = `/*
 * What it counts. Not a section, though it looks like one:
fentry:br_flood
{
}
 */

BEGIN
{
	printf("fentry:br_flood args->skb\\n");
}

fentry:br_flood
/args->local_rcv == 0/
{
	/* args->skb is the frame, args->nonsense is not there */
	$skb = (struct sk_buff *)args->skb; // args->vid
	printf("args->skb \\" args->vid %d\\n", args->pkt_type);
	if (args->skb->len > 0) { @[args->vid, args -> local_rcv] = count(); }
}

tracepoint:net:netif_receive_skb
{
	@a = args->skbaddr;
}

fexit:br_flood
{
	@r = retval;
}
`;

const options = { bpftraceVersion: [0, 23], functions: FUNCTIONS } as const;
const changed = (text: string) =>
  text.split("\n").flatMap((line, index) => {
    const before = SOURCE.split("\n")[index];
    return line === before ? [] : [`${index + 1}: ${line}`];
  });

test("for fentry only the attach points change, by the version of bpftrace", () => {
  const now = translate(SOURCE, { ...options, backend: "fentry" });
  expect(now.dropped).toEqual([]);
  expect(changed(now.text)).toEqual([
    "13: fentry:bridge:br_flood",
    "19: \tif (args->skb->len > 0) { @[args->vid, args->local_rcv] = count(); }",
    "27: fexit:bridge:br_flood",
  ]);
  const attachPoints = (bpftraceVersion: readonly [number, number]) =>
    changed(translate(SOURCE, { ...options, backend: "fentry", bpftraceVersion }).text)
      .filter((line) => !line.startsWith("19"))
      .map((line) => line.slice(4));
  expect(attachPoints([0, 20])).toEqual(["fentry:bridge:br_flood", "fexit:bridge:br_flood"]);
  expect(attachPoints([0, 19])).toEqual(["kfunc:bridge:br_flood", "kretfunc:bridge:br_flood"]);
  expect(attachPoints([0, 17])).toEqual(["kfunc:bridge:br_flood", "kretfunc:bridge:br_flood"]);
  expect(attachPoints([1, 0])).toEqual(["fentry:bridge:br_flood", "fexit:bridge:br_flood"]);
});

test("for kprobe arguments are taken from their registers, and texts and comments stay", () => {
  const { text, dropped } = translate(SOURCE, { ...options, backend: "kprobe" });
  expect(dropped).toEqual([]);
  expect(changed(text)).toEqual([
    "13: kprobe:br_flood",
    "14: /((uint8)arg3) == 0/",
    "17: \t$skb = (struct sk_buff *)((struct sk_buff *)arg1); // args->vid",
    '18: \tprintf("args->skb \\" args->vid %d\\n", ((int32)arg2));',
    "19: \tif (((struct sk_buff *)arg1)->len > 0) { @[((uint16)arg5), ((uint8)arg3)] = count(); }",
    "27: kretprobe:br_flood",
  ]);
});

test("a function of the kernel image has no module in its attach point", () => {
  const source = "fentry:veth_xmit\n{\n\t@ = count();\n}\n";
  const text = (bpftraceVersion: [number, number]) =>
    translate(source, { ...options, backend: "fentry", bpftraceVersion }).text.split("\n")[0];
  expect(text([0, 17])).toBe("kfunc:veth_xmit");
  expect(text([0, 27])).toBe("fentry:veth_xmit");
});

test.each([
  ["bool", "(uint8)arg0"],
  ["unsigned char", "(uint8)arg0"],
  ["__u16", "(uint16)arg0"],
  ["int", "(int32)arg0"],
  ["unsigned int", "(uint32)arg0"],
  ["long unsigned int", "(uint64)arg0"],
  ["unsigned long", "(uint64)arg0"],
  ["enum skb_drop_reason", "(int32)arg0"],
  ["const struct net_bridge_port *", "(struct net_bridge_port *)arg0"],
  ["struct net_bridge_port *const", "(struct net_bridge_port *)arg0"],
  ["struct sk_buff **", "(struct sk_buff **)arg0"],
  ["const unsigned char *", "(uint8 *)arg0"],
  ["void *", "(uint64)arg0"],
  ["int () *", "(uint64)arg0"],
])("a kprobe reads a %s as %s", (type, expected) => {
  const functions = table({ ...VETH, parameters: [{ name: "x", type, register: 0 }] });
  const source = "fentry:veth_xmit\n{\n\t@ = args->x;\n}";
  const { text, dropped } = translate(source, { ...options, backend: "kprobe", functions });
  expect(dropped).toEqual([]);
  expect(text.split("\n")[2]).toBe(`\t@ = (${expected});`);
});

describe("a section is left out", () => {
  const source = "BEGIN\n{\n}\n\nfentry:br_flood\n{\n\t@ = args->skb; /* why */\n}\n\nEND\n{\n}\n";

  const dropped = (
    program: string,
    changes: Partial<KernelFunction>,
    backend: "fentry" | "kprobe" = "kprobe",
  ) => {
    const functions = table({ ...FLOOD, ...changes });
    return translate(program, { ...options, backend, functions }).dropped.map(
      (drop) => `${drop.function}: ${drop.reason}`,
    );
  };

  test("as a comment of as many lines, with the reason", () => {
    const functions = table({ ...FLOOD, kprobe: "inlined: no such symbol" });
    const result = translate(source, { ...options, backend: "kprobe", functions });
    expect(result.dropped).toEqual([{ function: "br_flood", reason: "inlined: no such symbol" }]);
    expect(result.text).toBe(
      "BEGIN\n{\n}\n\n// left out, inlined: no such symbol: fentry:br_flood\n// {\n// \t@ = args->skb; /* why */\n// }\n\nEND\n{\n}\n",
    );
  });

  test.each<[string, string, Partial<KernelFunction>, "fentry" | "kprobe", string]>([
    ["cannot be attached", source, { fentry: "no BTF" }, "fentry", "no BTF"],
    [
      "has no such argument",
      source,
      { parameters: [] },
      "fentry",
      "it has no argument skb on this kernel",
    ],
    [
      "has no such argument",
      source,
      { parameters: [] },
      "kprobe",
      "it has no argument skb on this kernel",
    ],
    [
      "has unknown arguments",
      source,
      { parameters: null },
      "kprobe",
      "nothing tells its arguments",
    ],
    [
      "has the argument on the stack",
      source,
      { parameters: [{ name: "skb", type: "struct sk_buff *", register: null }] },
      "kprobe",
      "its argument skb is not in a register",
    ],
    [
      "has the argument by value",
      source,
      { parameters: [{ name: "skb", type: "struct br_frame", register: 0 }] },
      "kprobe",
      "its argument skb is a struct br_frame, which a kprobe cannot take",
    ],
    [
      "has returned",
      "fexit:br_flood\n{\n\t@ = args->skb;\n}\n",
      {},
      "kprobe",
      "a kretprobe has no arguments",
    ],
  ])("whose function %s", (_, program, changes, backend, reason) => {
    expect(dropped(program, changes, backend)).toEqual([`br_flood: ${reason}`]);
  });

  test("where the other backend would do, it is kept", () => {
    expect(dropped(source, { fentry: "no BTF" }, "kprobe")).toEqual([]);
    expect(dropped("fexit:br_flood\n{\n\t@ = args->skb;\n}\n", {}, "fentry")).toEqual([]);
    expect(dropped("fentry:br_flood\n{\n\t@ = 1;\n}\n", { parameters: null }, "kprobe")).toEqual(
      [],
    );
  });

  test("on request, and where the table has no such function", () => {
    const request = translate(source, { ...options, backend: "fentry", without: ["br_flood"] });
    expect(request.dropped).toEqual([{ function: "br_flood", reason: "left out on request" }]);
    const stranger = translate("fentry:x\n{\n}\n", { ...options, backend: "fentry" });
    expect(stranger.dropped).toEqual([{ function: "x", reason: "not in the function table" }]);
  });

  test("by itself: another one on the same function stays", () => {
    const two = `fentry:br_flood\n{\n\t@a = args->gone;\n}\n\n${source}`;
    const result = translate(two, { ...options, backend: "kprobe" });
    expect(result.dropped).toHaveLength(1);
    expect(result.text).toContain("\nkprobe:br_flood\n{\n\t@ = ((struct sk_buff *)arg1);");
  });
});

test("a program that is not written as agreed is refused with its line", () => {
  const open = "BEGIN\n{\n}\nfentry:br_flood\n{\n";
  expect(() => translate(open, { ...options, backend: "kprobe" })).toThrow(
    "line 4: fentry:br_flood has no closing brace at column 0",
  );
  expect(() =>
    translate(`${open}fentry:veth_xmit\n{\n}\n`, { ...options, backend: "kprobe" }),
  ).toThrow("line 4: fentry:br_flood has no closing brace at column 0");
});
