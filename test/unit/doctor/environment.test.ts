import { describe, expect, test } from "vitest";
import { compilerOf, cpuModel, kernelArguments } from "../../../src/doctor/environment.ts";
import { parseKernelConfig } from "../../../src/doctor/kernel-config.ts";
import { preemptModel } from "../../../src/doctor/preempt.ts";

const config = (text: string) => ({ source: "", options: parseKernelConfig(text) });

test("what init is told is not the kernel's command line", () => {
  expect(kernelArguments("quiet nokaslr -- --token secret")).toBe("quiet nokaslr");
  expect(kernelArguments("quiet a--b -- x")).toBe("quiet a--b");
  expect(kernelArguments("quiet nokaslr")).toBe("quiet nokaslr");
  expect(kernelArguments("-- x")).toBe("");
});

describe("preemptModel", () => {
  test("is what debugfs says where it is readable", () => {
    expect(preemptModel("#1 SMP PREEMPT_DYNAMIC", null, "none (voluntary) full")).toBe("voluntary");
  });

  test("is said to be dynamic where only the default is known", () => {
    const built = config("CONFIG_PREEMPT_NONE=y\nCONFIG_PREEMPT_DYNAMIC=y\n");
    expect(preemptModel("#1 SMP PREEMPT_DYNAMIC @0", built, null)).toBe(
      "dynamic, none by configuration",
    );
    expect(preemptModel("#1 SMP PREEMPT_DYNAMIC @0", null, null)).toBe("dynamic");
  });

  test.each([
    ["#1 SMP PREEMPT_RT Debian 6.1", "", "rt"],
    ["#1 SMP Debian 5.10", "CONFIG_PREEMPT_VOLUNTARY=y", "voluntary"],
    ["#1 SMP PREEMPT Debian 5.10", "CONFIG_PREEMPT=y", "full"],
    ["#1 SMP PREEMPT Debian 5.10", "", "full"],
    ["#1 SMP", "", "unknown"],
  ])("%s with %j is %s", (version, text, model) => {
    expect(preemptModel(version, config(text), null)).toBe(model);
  });
});

test("the processor is named on x86 and arm, and unknown elsewhere", () => {
  expect(cpuModel("processor\t: 0\nmodel name\t: AMD EPYC 7763\n")).toBe("AMD EPYC 7763");
  expect(cpuModel("processor\t: 0\nModel\t\t: Raspberry Pi 4\n")).toBe("Raspberry Pi 4");
  expect(cpuModel("processor\t: 0\nBogoMIPS\t: 48.00\n")).toBe("unknown");
});

test.each([
  [
    "Linux version 6.1.0-50-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-02)",
    "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40",
  ],
  [
    "Linux version 6.9.0 (me@host) (clang version 18.1.3 (1ubuntu1), LLD 18.1.3) #2 SMP",
    "clang version 18.1.3 (1ubuntu1), LLD 18.1.3",
  ],
  ["something else", null],
])("the compiler is named in /proc/version: %s", (banner, compiler) => {
  expect(compilerOf(banner)).toBe(compiler);
});
