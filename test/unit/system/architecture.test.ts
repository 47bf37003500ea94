import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bpfCall } from "../../../src/system/architecture.ts";
import { PrerequisiteError } from "../../../src/system/errors.ts";

const GENERIC = "/usr/include/asm-generic/unistd.h";
const NATIVE = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";

function numberIn(header: string): number {
  return Number(/^#define __NR_bpf (\d+)$/m.exec(readFileSync(header, "utf8"))?.[1]);
}

test.skipIf(!existsSync(GENERIC))("the generic number is that of the kernel's header", () => {
  for (const architecture of ["arm64", "riscv64", "loong64"]) {
    expect(bpfCall(architecture, "LE")).toBe(numberIn(GENERIC));
  }
});

test.skipIf(!existsSync(NATIVE))("so is that of x64", () => {
  expect(bpfCall("x64", "LE")).toBe(numberIn(NATIVE));
});

test.each([
  ["s390x", "BE"],
  ["ppc64", "BE"],
  ["arm", "LE"],
  ["ia32", "LE"],
  ["mips64", "LE"],
])("%s (%s) is refused by its name", (architecture, order) => {
  expect(() => bpfCall(architecture, order)).toThrow(PrerequisiteError);
  expect(() => bpfCall(architecture, order)).toThrow(`this machine is ${architecture} (${order})`);
});
