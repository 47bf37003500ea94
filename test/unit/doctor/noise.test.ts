import { describe, expect, it, test } from "vitest";
import { memlock, parseMemlock } from "../../../src/doctor/limits.ts";
import {
  countCpus,
  foreignFinding,
  type NoiseFacts,
  noiseFindings,
  parseSteal,
} from "../../../src/doctor/noise.ts";

const QUIET: NoiseFacts = {
  onlineCpus: 4,
  governors: ["performance"],
  clocksource: "tsc",
  clocksources: ["tsc", "hpet", "acpi_pm"],
  virtualization: null,
  steal: 0,
  load: 0.1,
  smt: false,
  backlog: 5000,
  nohzFull: "",
  mitigations: { spectre_v2: "Mitigation: Retpolines", mds: "Not affected" },
};

function noisy(facts: Partial<NoiseFacts>) {
  return noiseFindings({ ...QUIET, ...facts }, null).filter((found) => found.status !== "ok");
}

describe("noiseFindings", () => {
  test("a quiet machine gives no warning", () => {
    expect(noisy({})).toEqual([]);
  });

  test.each([
    ["noise/cpus", { onlineCpus: 1 }],
    ["noise/cpus", { smt: true }],
    ["noise/governor", { governors: ["powersave", "schedutil"] }],
    ["noise/clocksource", { clocksource: "hpet" }],
    ["noise/virtualization", { virtualization: "KVM", steal: 0.2 }],
    ["noise/load", { load: 3.5 }],
    ["noise/backlog", { backlog: 1000 }],
  ])("%s warns of %j", (id, facts) => {
    const found = noisy(facts);
    expect(found.map((warning) => warning.id)).toEqual([id]);
    expect(found[0]?.status).toBe("warning");
  });

  test("offers tsc only where the kernel has it to offer", () => {
    expect(noisy({ clocksource: "hpet" })[0]?.remedy).toContain("echo tsc");
    expect(noisy({ clocksource: "hpet", clocksources: ["hpet"] })[0]?.remedy).toBeNull();
  });

  test("unreadable is said to be unreadable", () => {
    const facts = { ...QUIET, governors: [], load: null, backlog: null };
    const observed = noiseFindings(facts, null).map((found) => found.observed);
    expect(observed.filter((text) => text.includes("unreadable"))).toHaveLength(4);
  });
});

test("CPUs are counted from the kernel's list", () => {
  expect(countCpus("0-3,8,10-11")).toBe(7);
  expect(countCpus("0")).toBe(1);
  expect(countCpus("")).toBe(0);
});

test("steal is a share of all time, with guest time not counted twice", () => {
  expect(parseSteal("cpu  40 0 10 40 0 0 0 10 30 0\ncpu0 1 2 3\n")).toBeCloseTo(0.1);
  expect(parseSteal("cpu  1 2 3 4\n")).toBeNull();
  expect(parseSteal("")).toBeNull();
});

describe("RLIMIT_MEMLOCK", () => {
  const limits = (soft: string) =>
    `Limit                     Soft Limit           Hard Limit           Units     \nMax locked memory         ${soft}              8388608              bytes     \n`;

  test("is read from the soft column", () => {
    expect(parseMemlock(limits("65536"))).toBe(65536);
    expect(parseMemlock(limits("unlimited"))).toBe(Number.POSITIVE_INFINITY);
    expect(parseMemlock("")).toBeNull();
  });

  test("matters before 5.11 only", () => {
    expect(memlock("5.10.0-30-amd64", 65536)).toMatchObject({
      status: "warning",
      observed: "64 KiB",
      remedy: "ulimit -l unlimited",
    });
    expect(memlock("5.10.0-30-amd64", Number.POSITIVE_INFINITY).status).toBe("ok");
    expect(memlock("6.1.0", 65536).status).toBe("ok");
  });
});

describe("other people's probes", () => {
  const probe = {
    ...{ id: 7, name: "netif_rx", type: "tracepoint", where: "net:netif_rx" },
    ...{ pid: 4711, process: "bpftrace\u001b[31m", container: null },
  };

  it("are named with program, holder and pid, safe to print", () => {
    const found = foreignFinding([probe]);
    expect(found).toMatchObject({ id: "noise/foreign-probes", status: "warning" });
    expect(found.observed).toContain("(pid 4711): netif_rx on net:netif_rx");
    expect(found.observed).not.toContain("\u001b");
  });

  it("are none, or not to be seen", () => {
    expect(foreignFinding([])).toMatchObject({ status: "ok", observed: "none" });
    expect(foreignFinding(null).observed).toContain("CAP_SYS_ADMIN");
  });
});
