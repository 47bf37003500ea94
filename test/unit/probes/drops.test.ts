import { describe, expect, it } from "vitest";
import { parseReasons, parseSymbols, symbolAt } from "../../../src/probes/drops.ts";

describe("drop names", () => {
  it("reads the kernel's reasons from the tracepoint's format", () => {
    const format = `print fmt: "skbaddr=%p reason: %s", REC->skbaddr, __print_symbolic(REC->reason, { 1, "NOT_SPECIFIED" }, { 2, "NO_SOCKET" }, { 65, "CPU_BACKLOG" })`;
    expect(parseReasons(format).get(65)).toBe("CPU_BACKLOG");
    expect(parseReasons("").size).toBe(0);
  });

  it("finds the function that holds an address by its low half", () => {
    const symbols = parseSymbols(`ffffffff81000100 T second
ffffffff81000000 t first
ffffffff82000000 D data
0000000000000000 A percpu
ffffffffc0400000 t br_forward\t[bridge]
`);
    expect(symbols.map((symbol) => symbol.name)).toEqual(["first", "second", "br_forward"]);
    expect(symbolAt(symbols, 0x81000123)).toBe("second");
    expect(symbolAt(symbols, 0xc0400010)).toBe("br_forward");
    expect(symbolAt(symbols, 0x10)).toBe("0x10");
    expect(symbolAt([], 0x10)).toBe("0x10");
  });
});
