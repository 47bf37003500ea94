import { describe, expect, test } from "vitest";
import { backendFindings } from "../../../src/doctor/backends.ts";
import { prevents } from "../../../src/doctor/finding.ts";
import { type KernelFacts, kernelFindings, parseLockdown } from "../../../src/doctor/kernel.ts";
import { parseKernelConfig } from "../../../src/doctor/kernel-config.ts";

const config = (text: string) => ({
  source: "/boot/config-6.1.0-9-amd64",
  options: parseKernelConfig(text),
});

const GOOD: KernelFacts = {
  architecture: "arm64",
  order: "LE",
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

  test.each([
    ["another processor", { architecture: "s390x", order: "BE" }, "s390x (BE)"],
    ["32 bits", { architecture: "arm" }, "arm (LE)"],
    ["the other order of bytes", { architecture: "ppc64", order: "BE" }, "ppc64 (BE)"],
  ])("%s makes even a lab impossible, and is named", (_, facts, named) => {
    const labs = kernelFindings({ ...GOOD, ...facts }).filter((found) => prevents(found, "lab"));
    expect(labs.map(({ id }) => id)).toEqual(["kernel/architecture"]);
    expect(labs[0]?.meaning).toContain(named);
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
  const judged = (...[tried, facts]: [Parameters<typeof backendFindings>[1], KernelFacts?]) =>
    Object.fromEntries(
      backendFindings(facts ?? GOOD, tried).map(({ id, status, observed }) => [
        id.slice("backend/".length),
        `${status}: ${observed}`,
      ]),
    );
  const AUTO = "; `--backend auto` takes it";

  test("are taken where they load, fentry first", () => {
    expect(judged({ fentry: null, kprobe: null })).toEqual({
      tracepoint: "ok: can be used",
      fentry: `ok: tried, and attached${AUTO}`,
      kprobe: "ok: tried, and attached",
    });
    const reason = "no BTF for module bridge (Linux before 5.11)";
    expect(judged({ fentry: reason, kprobe: null })).toEqual({
      tracepoint: "ok: can be used",
      fentry: `warning: cannot load: ${reason}`,
      kprobe: `ok: tried, and attached${AUTO}`,
    });
  });

  test("leave it to tracepoints where they are refused, with the option that lacks", () => {
    const bare = { ...GOOD, config: config("CONFIG_BPF_EVENTS=y\n") };
    expect(judged({ fentry: "refused", kprobe: "refused" }, bare)).toEqual({
      tracepoint: `ok: can be used${AUTO}`,
      fentry:
        "warning: cannot load: this kernel lacks CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
      kprobe: "warning: cannot load: this kernel lacks CONFIG_KPROBES",
    });
    const unknown = { ...GOOD, config: null };
    expect(judged({ fentry: "refused", kprobe: "so too" }, unknown)).toMatchObject({
      fentry: "warning: cannot load: refused",
      kprobe: "warning: cannot load: so too",
    });
  });

  test("are not guessed at where there was nothing to try them with", () => {
    expect(judged(null)).toMatchObject({
      tracepoint: `ok: can be used${AUTO}`,
      fentry: "warning: not known: that takes a bpftrace that works here, see tool/bpftrace",
      kprobe: "warning: not known: that takes a bpftrace that works here, see tool/bpftrace",
    });
  });
});
