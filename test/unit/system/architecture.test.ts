import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { callNumbers } from "../../../src/system/architecture.ts";
import { PrerequisiteError } from "../../../src/system/errors.ts";

const GENERIC = "/usr/include/asm-generic/unistd.h";
const NATIVE = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";

function numbersIn(header: string) {
  const text = readFileSync(header, "utf8");
  const numberOf = (call: string) =>
    Number(new RegExp(`^#define __NR_${call} (\\d+)$`, "m").exec(text)?.[1]);
  return { bpf: numberOf("bpf"), perfEventOpen: numberOf("perf_event_open") };
}

test.skipIf(!existsSync(GENERIC))("the generic numbers are those of the kernel's header", () => {
  for (const architecture of ["arm64", "riscv64", "loong64"]) {
    expect(callNumbers(architecture, "LE")).toEqual(numbersIn(GENERIC));
  }
});

test.skipIf(!existsSync(NATIVE))("so are those of x64", () => {
  expect(callNumbers("x64", "LE")).toEqual(numbersIn(NATIVE));
});

test.each([
  ["s390x", "BE"],
  ["ppc64", "BE"],
  ["arm", "LE"],
  ["ia32", "LE"],
  ["mips64", "LE"],
])("%s (%s) is refused by its name", (architecture, order) => {
  expect(() => callNumbers(architecture, order)).toThrow(PrerequisiteError);
  expect(() => callNumbers(architecture, order)).toThrow(
    `this machine is ${architecture} (${order})`,
  );
});
