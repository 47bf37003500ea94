import { describe, expect, test } from "vitest";
import { finding, prevents } from "../../../src/doctor/finding.ts";
import { formatFindings, formatPrerequisite } from "../../../src/doctor/format.ts";

const OK = finding({ id: "kernel/btf", status: "ok", observed: "there", meaning: "readable" });
const WARNING = finding({
  id: "noise/backlog",
  status: "warning",
  observed: "1000",
  meaning: "a flood overflows it",
  remedy: "sysctl -w net.core.netdev_max_backlog=5000",
});
const MISSING = finding({
  id: "tool/bpftrace",
  status: "missing",
  requiredFor: "bench",
  observed: "not found on PATH",
  meaning: "runs the probe programs",
  remedy: "apt-get install bpftrace",
});

test("the table explains what is not well, and only that", () => {
  expect(formatFindings([OK, WARNING, MISSING])).toMatchInlineSnapshot(`
    "kernel/btf     ok       there
    noise/backlog  warning  1000
                            a flood overflows it
                            -> sysctl -w net.core.netdev_max_backlog=5000
    tool/bpftrace  missing  not found on PATH
                            runs the probe programs
                            -> apt-get install bpftrace

    1 ok, 1 warnings, 1 missing: no bench can run here before this is mended: tool/bpftrace.
    "
  `);
});

test("colours are there when asked for and do not move the columns", () => {
  const plain = formatFindings([OK, MISSING]);
  const colored = formatFindings([OK, MISSING], true);
  expect(colored).toContain("\u001b[");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours themselves
  expect(colored.replaceAll(/\u001b\[\d+m/g, "")).toBe(plain);
});

test("a prerequisite is one line with its remedy", () => {
  expect(formatPrerequisite(MISSING)).toBe(
    "tool/bpftrace: not found on PATH: runs the probe programs; apt-get install bpftrace",
  );
});

test("what was observed cannot reach the terminal raw", () => {
  const found = finding({ id: "x", status: "ok", observed: "a\u001b[2J\nb", meaning: "" });
  expect(found.observed).toBe("a\\x1b[2J\\x0ab");
});

describe("prevents", () => {
  const lab = finding({ ...MISSING, requiredFor: "lab" });

  test("what a lab needs, a bench needs", () => {
    expect([prevents(lab, "lab"), prevents(lab, "bench")]).toEqual([true, true]);
    expect([prevents(MISSING, "lab"), prevents(MISSING, "bench")]).toEqual([false, true]);
  });

  test("a warning and an optional lack prevent nothing", () => {
    expect(prevents(WARNING, "bench")).toBe(false);
    expect(prevents(finding({ ...MISSING, requiredFor: null }), "bench")).toBe(false);
  });
});
