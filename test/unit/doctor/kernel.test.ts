import { describe, expect, test } from "vitest";
import { fentry, kprobe } from "../../../src/doctor/backends.ts";
import { prevents } from "../../../src/doctor/finding.ts";
import { type KernelFacts, kernelFindings, parseLockdown } from "../../../src/doctor/kernel.ts";
import { parseKernelConfig } from "../../../src/doctor/kernel-config.ts";

const config = (text: string) => ({
  source: "/boot/config-6.1.0-9-amd64",
  options: parseKernelConfig(text),
});

const GOOD: KernelFacts = {
  release: "6.1.0-9-amd64",
  version: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.27-1 (2023-05-08)",
  config: config(
    "CONFIG_BPF_EVENTS=y\nCONFIG_KPROBES=y\nCONFIG_FUNCTION_TRACER=y\nCONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y\n",
  ),
  btf: true,
  tracefs: "mountable",
  lockdown: "none",
};

function blocking(facts: Partial<KernelFacts>) {
  return kernelFindings({ ...GOOD, ...facts })
    .filter((found) => prevents(found, "bench"))
    .map((found) => found.id);
}

describe("kernelFindings", () => {
  test("a distribution kernel prevents nothing", () => {
    expect(blocking({})).toEqual([]);
  });

  test.each([
    ["no BTF", { btf: false }, "kernel/btf"],
    ["no tracefs", { tracefs: "absent" as const }, "kernel/tracefs"],
    ["no BPF on tracepoints", { config: config("CONFIG_NET=y\n") }, "kernel/tracefs"],
    ["full lockdown", { lockdown: "confidentiality" }, "kernel/lockdown"],
  ])("%s makes a bench impossible, and a lab not", (_, facts, id) => {
    expect(blocking(facts)).toEqual([id]);
    const labs = kernelFindings({ ...GOOD, ...facts }).filter((found) => prevents(found, "lab"));
    expect(labs).toEqual([]);
  });

  test("an unreadable configuration and an old kernel are warnings", () => {
    const found = kernelFindings({ ...GOOD, config: null, release: "4.19.0-27-amd64" });
    expect(found.filter(({ status }) => status === "warning").map(({ id }) => id)).toEqual([
      "kernel/release",
      "kernel/config",
    ]);
  });

  test("PREEMPT_RT is warned of: there the probes cannot keep frames apart", () => {
    const found = kernelFindings({ ...GOOD, version: "#1 SMP PREEMPT_RT Debian 6.1.27-1" });
    expect(found.filter(({ status }) => status !== "ok")).toMatchObject([
      { id: "kernel/preemption", status: "warning", observed: "rt" },
    ]);
  });

  test("lockdown=integrity is no obstacle", () => {
    expect(blocking({ lockdown: "integrity" })).toEqual([]);
  });
});

test("the mode of lockdown is the one in brackets", () => {
  expect(parseLockdown("none [integrity] confidentiality")).toBe("integrity");
  expect(parseLockdown("[none] integrity confidentiality")).toBe("none");
  expect(parseLockdown(null)).toBeNull();
});

describe("function probes", () => {
  test("are said to be there, and not to have been tried", () => {
    expect(fentry(GOOD)).toMatchObject({
      status: "ok",
      observed: expect.stringMatching(/not tried/),
    });
    expect(kprobe(GOOD, true)).toMatchObject({ status: "ok" });
  });

  test("are said to be impossible, with the option that lacks", () => {
    const bare = { ...GOOD, config: config("CONFIG_BPF_EVENTS=y\n") };
    expect(fentry(bare).observed).toContain("CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS");
    expect(kprobe(bare, false).observed).toContain("CONFIG_KPROBES");
    expect(fentry(bare).status).toBe("warning");
  });

  test("are not guessed at where nothing tells", () => {
    expect(kprobe({ ...GOOD, config: null }, false).observed).toContain("cannot be told");
    expect(kprobe({ ...GOOD, config: null }, true).observed).toContain("has kprobes");
  });
});
