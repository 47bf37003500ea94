import { describe, expect, test } from "vitest";
import { benchArguments, overallVerdict } from "../../../scripts/lib/action.mjs";
import type { Verdict } from "../../../src/document/compare.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { bookwormRun, trixieRun } from "../../fixtures/report/kernels.ts";

describe("what the action runs", () => {
  test("two variants", () => {
    expect(
      benchArguments(
        {
          BRIDGESCOPE_TOPOLOGY: "bridge:8",
          BRIDGESCOPE_VS: "bridge:8,vlan_filtering=1",
          BRIDGESCOPE_WORKLOAD: "forward",
          BRIDGESCOPE_BUDGET: "60s",
          BRIDGESCOPE_MARGIN: "",
          BRIDGESCOPE_FAIL_ON: "inconclusive",
        },
        "/tmp/out",
      ).join(" "),
    ).toBe(
      "bench --topology bridge:8 --vs bridge:8,vlan_filtering=1 --workload forward --budget 60s --fail-on inconclusive --out /tmp/out",
    );
  });

  test("two set-ups, whose words stay one argument each", () => {
    expect(
      benchArguments(
        {
          BRIDGESCOPE_BASE_SETUP: '["a b/connect.sh"]',
          BRIDGESCOPE_CANDIDATE_SETUP: '["$(id)"]',
        },
        "out",
      ),
    ).toEqual([
      "bench",
      "--topology",
      "external",
      "--base-setup",
      '["a b/connect.sh"]',
      "--candidate-setup",
      '["$(id)"]',
      "--out",
      "out",
    ]);
  });

  test.each([
    [{}],
    [{ BRIDGESCOPE_TOPOLOGY: "bridge:8" }],
    [{ BRIDGESCOPE_VS: "bridge:8" }],
    [{ BRIDGESCOPE_BASE_SETUP: "[]", BRIDGESCOPE_TOPOLOGY: "bridge:8", BRIDGESCOPE_VS: "veth" }],
  ])("not half of a comparison: %j", (env) => {
    expect(() => benchArguments(env, "out")).toThrow(
      /^action.yml: .*base-setup and candidate-setup/,
    );
  });
});

describe("the verdict of the whole", () => {
  const [like] = compareRuns(bookwormRun(), trixieRun()).verdicts;
  const of = (...all: [Verdict["verdict"], string][]) => {
    if (like === undefined) throw new Error("fixture");
    return overallVerdict({
      verdicts: all.map(([verdict, metric]) => ({
        ...like,
        verdict,
        metric,
        exploratory: metric === "rtt_p99",
      })),
    });
  };

  test("is the worst of the headline metrics", () => {
    expect(of(["unchanged", "ns_per_frame"], ["improvement", "frame_rate"])).toBe("improvement");
    expect(of(["inconclusive", "ns_per_frame"], ["improvement", "frame_rate"])).toBe(
      "inconclusive",
    );
    expect(of(["unchanged", "ns_per_frame"], ["inconclusive", "rtt_p99"])).toBe("unchanged");
  });

  test("is a regression where there is one, and nothing without any", () => {
    expect(of(["unchanged", "ns_per_frame"], ["regression", "frame_rate"])).toBe("regression");
    expect(of()).toBe("");
  });
});
