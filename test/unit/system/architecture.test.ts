import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { callNumber } from "../../../src/system/architecture.ts";
import { PrerequisiteError } from "../../../src/system/errors.ts";

const GENERIC = "/usr/include/asm-generic/unistd.h";
const NATIVE = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";

function numberIn(header: string, call = "bpf"): number {
  const definition = new RegExp(`^#define __NR_${call} (\\d+)$`, "m");
  return Number(definition.exec(readFileSync(header, "utf8"))?.[1]);
}

test.skipIf(!existsSync(GENERIC))("the generic number is that of the kernel's header", () => {
  for (const architecture of ["arm64", "riscv64", "loong64"]) {
    expect(callNumber("bpf", architecture, "LE")).toBe(numberIn(GENERIC));
    expect(callNumber("perfEventOpen", architecture, "LE")).toBe(
      numberIn(GENERIC, "perf_event_open"),
    );
  }
});

test.skipIf(!existsSync(NATIVE))("so is that of x64", () => {
  expect(callNumber("bpf", "x64", "LE")).toBe(numberIn(NATIVE));
  expect(callNumber("perfEventOpen", "x64", "LE")).toBe(numberIn(NATIVE, "perf_event_open"));
});

test.each([
  ["s390x", "BE"],
  ["ppc64", "BE"],
  ["arm", "LE"],
  ["ia32", "LE"],
  ["mips64", "LE"],
])("%s (%s) is refused by its name", (architecture, order) => {
  expect(() => callNumber("bpf", architecture, order)).toThrow(PrerequisiteError);
  expect(() => callNumber("bpf", architecture, order)).toThrow(
    `this machine is ${architecture} (${order})`,
  );
});
