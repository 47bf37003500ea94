import { describe, expect, test } from "vitest";
import { type Finding, finding, prevents } from "../../../src/doctor/finding.ts";
import { formatDiagnosis, formatPrerequisite } from "../../../src/doctor/format.ts";

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

const formatFindings = (findings: Finding[], color?: boolean) =>
  formatDiagnosis({ findings, functions: new Map() }, color);

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

test("below the findings stand the functions, with each reason once", () => {
  const known = (
    name: string,
    module: string | null,
    fentry: string | null,
    kprobe: string | null,
  ) => [name, { name, module, parameters: null, fentry, kprobe }] as const;
  const functions = new Map([
    known("veth_xmit", "veth", null, null),
    known("br_handle_frame_finish", "bridge", "no BTF for module bridge", null),
    known("fdb_delete", "bridge", "compiled as fdb_delete.isra.0", "compiled as fdb_delete.isra.0"),
    known("deliver_clone", null, "inlined: \u001b[2J", "inlined: \u001b[2J"),
  ]);
  expect(formatDiagnosis({ findings: [OK], functions })).toMatchInlineSnapshot(`
    "kernel/btf  ok       there

    function                module  fentry  kprobe
    veth_xmit               veth    yes     yes
    br_handle_frame_finish  bridge  no [1]  yes
    fdb_delete              bridge  no [2]  no [2]
    deliver_clone           -       no [3]  no [3]
    [1] no BTF for module bridge
    [2] compiled as fdb_delete.isra.0
    [3] inlined: \\x1b[2J

    1 ok, 0 warnings, 0 missing: a bench can run here.
    "
  `);
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
