import { describe, expect, test } from "vitest";
import { FULL } from "../full.ts";
import { cannot } from "../skipped.ts";
import type { AgreementReport, AgreementRequest } from "./agree.ts";
import { inGuest, judgedOn, KERNELS, say, WITHOUT_FENTRY, whyNoGuests } from "./guest.ts";

const SEED = Number(process.env.BRIDGESCOPE_SEED ?? 20_261_124);
const SCENARIOS = Number(process.env.BRIDGESCOPE_RUNS ?? 10);

const LAB = "bridge:5,forward_delay=0s";

const lacking = await whyNoGuests(KERNELS);
const without = cannot("backends against the model in guests", lacking);

const agreementOn = (kernel: string, request: AgreementRequest): Promise<AgreementReport> =>
  inGuest(kernel, "agree-main", request);

function requestFor(kernel: string): AgreementRequest {
  return {
    backends:
      kernel === WITHOUT_FENTRY ? ["kprobe", "tracepoint"] : ["fentry", "kprobe", "tracepoint"],
    lab: LAB,
    seed: SEED,
    scenarios: SCENARIOS,
  };
}

describe.skipIf(without).for(KERNELS)("%s", (kernel) => {
  test("all backends at once tell of every frame what the model tells", async ({ skip }) => {
    const request = { ...requestFor(kernel), ageingTimeMs: 10_000 };
    const report = await agreementOn(kernel, request);
    judged(kernel, skip, report, () => {
      checkAgreement(request, report);
      // What is never met is not shown to agree.
      const { outsideVlan: _, lockedPorts, ...met } = report.met;
      for (const [event, times] of Object.entries(met)) expect(times, event).toBeGreaterThan(0);
      if (kernel !== WITHOUT_FENTRY) expect(lockedPorts).toBeGreaterThan(0);
    });
  });

  test("and of many more", FULL, async ({ skip }) => {
    const request = { ...requestFor(kernel), seed: SEED + 1, scenarios: 4 * SCENARIOS };
    const report = await agreementOn(kernel, request);
    judged(kernel, skip, report, () => checkAgreement(request, report));
  });

  test("and on a bridge that filters VLANs", async ({ skip }) => {
    const vlans = { lab: `${LAB},vlan_filtering=1`, vlan: true };
    const request = { ...requestFor(kernel), ...vlans, scenarios: Math.ceil(SCENARIOS / 2) };
    const report = await agreementOn(kernel, request);
    judged(kernel, skip, report, () => {
      checkAgreement(request, report);
      expect(report.met.outsideVlan).toBeGreaterThan(0);
    });
  });
});

test.skipIf(without)("a bug in one backend is told of that backend alone", FULL, async () => {
  const report = await agreementOn("debian:bookworm", {
    ...requestFor("debian:bookworm"),
    backends: ["fentry", "tracepoint"],
    bug: { backend: "fentry", from: "(uint64)4 : (uint64)3;", to: "(uint64)3 : (uint64)4;" },
  });
  const text = report.differences.join("\n");
  expect(text).toContain("fentry probes:");
  expect(text).not.toContain("tracepoint probes:");
});

function checkAgreement(request: AgreementRequest, report: AgreementReport): void {
  expect(report.differences).toEqual([]);
  expect(report.totals).toEqual([]);
  expect(report.scenarios).toBe(request.scenarios);
  const none = Object.fromEntries(request.backends.map((name) => [name, []]));
  expect(report.dropped).toEqual(none);
}

/** Says which kernel it was and what was met. */
function judged(
  kernel: string,
  skip: (reason: string) => never,
  { release, bpftrace, frames, met, differences, totals }: AgreementReport,
  check: () => void,
): void {
  say(`${kernel}, ${release}, ${bpftrace}: ${frames} frames, ${JSON.stringify(met)}`);
  judgedOn(kernel, skip, check, [...differences, ...totals]);
}
