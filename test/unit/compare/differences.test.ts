import { describe, expect, test } from "vitest";
import { DIFFERENCE_GROUPS } from "../../../src/document/compare.ts";
import type { Run } from "../../../src/document/run.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { bookwormRun, trixieRun } from "../../fixtures/report/kernels.ts";

function differences(candidate: Run, base = bookwormRun()) {
  return compareRuns(base, candidate).environment.differences.map(
    ({ group, name, baseValue, candidateValue }) =>
      `${group} ${name}: ${baseValue} -> ${candidateValue}`,
  );
}

test("the same run differs in nothing", () => {
  expect(differences(bookwormRun())).toEqual([]);
});

test("compiler and configuration come first, and each option that differs is there", () => {
  const found = differences(trixieRun());
  expect(found[0]).toMatch(/^compiler compiler: gcc \(Debian 12/);
  expect(found.filter((text) => text.startsWith("config "))).toHaveLength(10);
  expect(found).toContain("config CONFIG_RETHUNK: y -> null");
  expect(found).toContain("tools bpftrace: 0.17.0 -> 0.23.2");
  const groups = compareRuns(bookwormRun(), trixieRun()).environment.differences.map((one) =>
    DIFFERENCE_GROUPS.indexOf(one.group),
  );
  expect(groups).toEqual(groups.toSorted((a, b) => a - b));
});

describe("what can explain a change is listed:", () => {
  test.each<[string, (run: Run) => void, string]>([
    [
      "a word of the command line",
      (run) => {
        run.environment.kernel.cmdline += " mitigations=off";
      },
      "cmdline mitigations: null -> off",
    ],
    [
      "a mitigation",
      (run) => {
        run.environment.kernel.mitigations.meltdown = "Not affected";
      },
      "mitigations meltdown: Mitigation: PTI -> Not affected",
    ],
    [
      "the userland",
      (run) => {
        if (run.guest) run.guest.userland = "trixie";
      },
      "guest userland: bookworm, sha256 9f2c1a7be1d0 -> trixie",
    ],
    [
      "the host's CPU",
      (run) => {
        run.environment.cpu.model = "another";
      },
      "cpu model: QEMU TCG CPU version 2.5+ -> another",
    ],
    [
      "the boots",
      (run) => {
        run.guest?.boots.pop();
      },
      "guest boots (seed/padding): 11/0 12/16 13/32 -> 11/0 12/16",
    ],
    [
      "a backend, once for all cases",
      (run) => {
        for (const item of run.cases) if (item.probe) item.probe.backend = "kprobe";
      },
      "probes backend, every case: fentry -> kprobe",
    ],
    [
      "a workload's parameter, with its case",
      (run) => {
        const [first] = run.cases;
        if (first) first.workload.frameSize = 1514;
      },
      "workload frameSize, bridge:4/forward: 60 -> 1514",
    ],
    [
      "an option of the bridge that the kernel sets otherwise",
      (run) => {
        const [first] = run.cases;
        if (first?.lab.bridge) first.lab.bridge.options.mcast_snooping = 0;
      },
      "lab mcast_snooping, bridge:4/forward: 1 -> 0",
    ],
    [
      "a configuration that cannot be read",
      (run) => {
        run.environment.kernel.config = {};
      },
      "config .config: readable -> not readable",
    ],
  ])("%s", (_, change, expected) => {
    const run = bookwormRun();
    change(run);
    expect(differences(run)).toEqual([expected]);
  });
});

test("what every lab has anew is no difference", () => {
  const run = bookwormRun();
  for (const { lab } of run.cases) {
    if (lab.bridge) Object.assign(lab.bridge.options, { bridge_id: "8000.aa", hello_timer: 3 });
    for (const { flags } of lab.ports) {
      Object.assign(flags, { bridge_id: "8000.aa", root_id: "8000.aa", forward_delay_timer: 3 });
    }
  }
  expect(differences(run)).toEqual([]);
});

test("functions that came, went and changed", () => {
  const { functions } = compareRuns(bookwormRun(), trixieRun());
  expect(functions?.came.map((one) => one.name)).toEqual(["sk_skb_reason_drop"]);
  expect(functions?.went.map((one) => one.name)).toEqual(["kfree_skb_reason"]);
  expect(functions?.changed).toEqual([
    {
      candidate: "debian:trixie",
      name: "netif_rx",
      base: "fentry and kprobe",
      inCandidate: "kprobe; no fentry: no BTF of this function",
    },
  ]);
});

test("functions of a run that does not list them are not guessed at", () => {
  const run = trixieRun();
  delete run.environment.functions;
  expect(compareRuns(bookwormRun(), run).functions).toBeNull();
});

test("another decision of the bridge is seen whatever the clock", () => {
  const run = trixieRun();
  const [first] = run.cases;
  if (first?.bridge === undefined) throw new Error("fixture");
  first.bridge.decisions = { ...first.bridge.decisions, knownUnicast: 3000, unknownUnicast: 3000 };
  first.bridge.amplification = 2;
  first.bridge.unaccounted = 4;
  const found = compareRuns(bookwormRun(), run);
  const [account] = found.accounts;
  expect(account?.state).toBe("different");
  expect(account?.differences.map((one) => one.name)).toEqual([
    "knownUnicast",
    "unknownUnicast",
    "amplification",
    "unaccounted",
  ]);
  expect(found.warnings.join()).toContain("books of debian:trixie do not balance");
});
