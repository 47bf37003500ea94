import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareSchema } from "../../../src/document/compare.ts";
import { runSchema } from "../../../src/document/run.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { bridgescope, scratch, start } from "./cli.ts";

const SCRIPTS = fileURLToPath(new URL("../../fixtures/external", import.meta.url));

let folder: ReturnType<typeof scratch>;
beforeEach(() => {
  folder = scratch();
});
afterEach(() => folder.remove());

const json = (name: string): unknown => JSON.parse(readFileSync(join(folder.path, name), "utf8"));
const documents = () => ({
  base: runSchema.parse(json("base/run.json")),
  candidate: runSchema.parse(json("candidate/run.json")),
  comparison: compareSchema.parse(json("compare.json")),
});

function versus(base: string, candidate: string, ...more: string[]) {
  const words = ["bench", "--topology", base, "--vs", candidate, "--workload", "forward"];
  return bridgescope([...words, "--out", folder.path, ...more]);
}

describe("two variants in pairs", () => {
  it("the bridge's netfilter hooks are a regression, found twice, with exit status 3", async () => {
    const result = await versus("bridge:2", "bridge:2,nf_call=1", "--rounds", "60", "--seed", "5");
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.code).toBe(3);
    const { base, candidate, comparison } = documents();
    const verdict = comparison.verdicts.find(({ metric }) => metric === "ns_per_frame");
    expect(verdict).toMatchObject({
      case: "bridge:2/forward",
      base: "bridge:2",
      candidate: "bridge:2,nf_call=1",
      verdict: "regression",
      baseRounds: 60,
      candidateRounds: 60,
      confirmation: { agrees: true, seed: 6, pairs: 60 },
    });
    expect(verdict?.ratio).toBeGreaterThan(1.05);
    expect(verdict?.smallestVisibleNs).toBeGreaterThan(0);
    expect(comparison.environment.differences).toContainEqual(
      expect.objectContaining({ group: "lab", name: expect.stringContaining("firewall hooks") }),
    );
    for (const run of [base, candidate]) {
      const [one] = run.cases;
      expect(run.state).toBe("complete");
      expect(one?.rounds.every((round) => round.side === "off")).toBe(true);
      expect(one?.metrics.ns_per_frame?.samples.length).toBe(one?.rounds.length);
      expect(one?.sessions?.map(({ measurement, pairs }) => [measurement, pairs])).toEqual([
        [1, 60],
        [2, 60],
      ]);
      for (const { measurement, warmUp } of one?.sessions ?? []) {
        const of = one?.rounds.filter((round) => round.measurement === measurement) ?? [];
        expect(of.filter((round) => round.discarded === "warm-up").length).toBe(warmUp);
        expect(of.filter((round) => round.discarded === null).length).toBe(60);
      }
    }
    expect(result.stdout).toContain("bridge:2/forward ns_per_frame: REGRESSION");
    // The stored runs say the same again, and the other way round the opposite.
    const again = compareRuns(base, candidate, { argv: comparison.reproduce });
    expect(again.verdicts).toEqual(comparison.verdicts);
    const turned = compareRuns(candidate, base).verdicts[0];
    expect(turned?.verdict).toBe("improvement");
    expect((turned?.ratio ?? 0) * (verdict?.ratio ?? 0)).toBeCloseTo(1, 9);
  });

  it("a variant and itself are unchanged, and a wide margin ends the measurement at an early look", async () => {
    const result = await versus(
      "bridge:2",
      "bridge:2",
      "--margin",
      "50%",
      "--budget",
      "20s",
      "--json",
    );
    expect(result.code).toBe(0);
    const comparison = compareSchema.parse(JSON.parse(result.stdout));
    const headline = comparison.verdicts.filter((one) => one.exploratory !== true);
    expect(headline.map(({ metric, verdict }) => [metric, verdict])).toEqual([
      ["ns_per_frame", "unchanged"],
      ["frame_rate", "unchanged"],
    ]);
    expect(comparison.sessions).toMatchObject([{ stopped: "width" }]);
    expect(comparison.sessions?.[0]?.looks.at(-1)?.at).toBeLessThan(1);
    expect(comparison.base.label).not.toBe(comparison.candidates[0]?.label);
  });

  it("Ctrl-C keeps the finished pairs, says so in both documents, and declares nothing", async () => {
    const words = ["bench", "--topology", "bridge:2", "--vs", "bridge:2,nf_call=1"];
    const running = start([...words, "--budget", "60s", "--out", folder.path]);
    await running.saw("% of the budget");
    running.process.kill("SIGINT");
    expect((await running.finished).code).toBe(130);
    const { base, candidate, comparison } = documents();
    expect([base.state, candidate.state]).toEqual(["interrupted", "interrupted"]);
    expect(base.cases[0]?.rounds.length).toBe(candidate.cases[0]?.rounds.length);
    expect(base.cases[0]?.sessions?.[0]?.stopped).toBe("interrupted");
    for (const { verdict } of comparison.verdicts) expect(verdict).toBe("inconclusive");
  });

  it("two networks that commands connect, with the time that each takes to", async () => {
    const name = `bsv${process.pid % 100_000}`;
    const command = (script: string, verb: string, which: string) =>
      JSON.stringify([join(SCRIPTS, script), verb, `${name}${which}`]);
    const sides = [
      ["base", "bridge.sh", "a"],
      ["candidate", "routed.sh", "b"],
    ] as const;
    const words = sides.flatMap(([side, script, which]) => [
      `--${side}-setup`,
      command(script, "add", which),
      `--${side}-teardown`,
      command(script, "del", which),
    ]);
    const result = await bridgescope(["bench", ...words, "--rounds", "40", "--out", folder.path]);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    const { base, candidate, comparison } = documents();
    expect([base.state, candidate.state]).toEqual(["complete", "complete"]);
    expect(base.cases[0]?.sessions?.[0]?.blocks).toBeGreaterThanOrEqual(10);
    const verdict = comparison.verdicts.find(({ metric }) => metric === "ns_per_frame");
    expect(verdict?.baseRounds).toBe(40);
    const setup = comparison.verdicts.find(({ metric }) => metric === "setup_time");
    expect(setup).toMatchObject({ exploratory: true });
    expect(setup?.baseRounds).toBeGreaterThan(10);
    // A router and a bridge are not the same, and what was connected is connected no more.
    expect(verdict?.ratio).not.toBeCloseTo(1, 2);
    expect(execFileSync("ip", ["-o", "link"], { encoding: "utf8" })).not.toContain(name);
    expect(execFileSync("ip", ["netns"], { encoding: "utf8" })).not.toContain(name);
  });

  it("a set-up that leaves one side unconnected is named, and no verdict comes of it", async () => {
    const result = await bridgescope([
      ...["bench", "--topology", "bridge:2", "--candidate-setup", '["true"]', "--rounds", "40"],
      ...["--out", folder.path],
    ]);
    expect(result.code).toBe(1);
    expect(documents().candidate.cases[0]?.error).toMatch(/no device|not connected|address/);
    expect(
      documents().comparison.verdicts.filter(({ verdict }) => verdict !== "inconclusive"),
    ).toEqual([]);
  });

  it("what cannot go together is refused before anything is measured", async () => {
    const refused = async (words: string[], code: number, text: RegExp) => {
      const result = await bridgescope(["bench", ...words, "--out", folder.path]);
      expect(result.stderr).toMatch(text);
      expect(result.code).toBe(code);
    };
    await Promise.all([
      refused(["quick", "--vs", "bridge:2"], 2, /takes no plan/),
      refused(["--vs", "bridge:x"], 2, /unknown topology/),
      refused(["--vs", "bridge:2", "--rounds", "5"], 2, /at least 40/),
      refused(["--vs", "bridge:2", "--rounds", "50", "--budget", "9s"], 2, /not both/),
      refused(["--vs", "bridge:2", "--workload", "throughput"], 2, /is a search/),
      refused(["--vs", "bridge:2", "--margin", "2"], 2, /--margin is a share/),
      refused(["--vs", "bridge:2", "--fail-on", "all"], 2, /--fail-on expects/),
      refused(["--margin", "2%"], 2, /--margin is for `bench --vs`/),
      refused(["--vs", "bridge:2", "--setup", '["true"]'], 2, /say --base-setup/),
      refused(["--vs", "bridge:2", "--bisect"], 2, /--bisect is for `bench --kernel`/),
      refused(["--vs", "bridge:2", "--baseline", "x"], 2, /--baseline is for/),
      refused(
        ["--vs", "bridge:2", "--base-setup", '["true"]', "--topology", "veth"],
        2,
        /external/,
      ),
    ]);
    // What this host needs for a verdict is known once labs were built and some pairs measured.
    await refused(
      ["--vs", "bridge:2", "--budget", "1s"],
      2,
      /too short for a verdict.*at least \d+s/,
    );
    expect(existsSync(join(folder.path, "journal.ndjson"))).toBe(false);
  });
});
