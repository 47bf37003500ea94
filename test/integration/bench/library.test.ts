import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { bench, type RunProgress } from "../../../src/index.ts";
import { hostChanges, hostState } from "../host-state.ts";

const REQUEST = {
  topology: ["bridge:2"],
  workload: ["ping-flood"],
  duration: "50ms",
  latencySessions: 1,
  seed: 1,
};

async function collected(running: AsyncIterable<RunProgress>): Promise<RunProgress[]> {
  const steps: RunProgress[] = [];
  for await (const step of running) steps.push(step);
  return steps;
}

describe("bench() on the real machine", () => {
  it("is a promise of the run and its progress to several readers, one of whom leaves", async () => {
    const running = bench({ ...REQUEST, rounds: 3 });
    const first = collected(running);
    const second = collected(running);
    for await (const step of running) if (step.event === "round") break;
    const run = await running;
    expect(run.state).toBe("complete");
    const steps = await first;
    expect(await second).toEqual(steps);
    const [only] = run.cases;
    const rounds = steps.flatMap(({ event, round }) => (event === "round" ? [round] : []));
    expect(rounds.map((round) => round?.index)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const sides = only?.rounds.map(({ side }) => side);
    expect(sides).toEqual([
      ...["off", "count", "count", "count", "off"],
      ...["time", "time", "off"],
    ]);
    // The metrics are those of the rounds without probes.
    const undisturbed = rounds.filter((_, index) => sides?.[index] === "off");
    expect(undisturbed.map((round) => round?.value)).toEqual(only?.metrics.frame_rate?.samples);
    expect(only?.roundTrip?.count).toBeGreaterThan(100);
    const said = new Set(steps.map(({ what }) => what));
    for (const what of [
      "building the lab",
      "attaching the probes",
      "warming up",
      "round 3 of 3, counting",
    ]) {
      expect(said).toContain(what);
    }
    const elapsed = steps.map(({ elapsedNs }) => elapsedNs);
    expect(elapsed).toEqual(elapsed.toSorted((a, b) => a - b));
    expect(steps.every(({ remainingNs }) => remainingNs >= 0)).toBe(true);
    expect(steps.at(-1)?.elapsedNs).toBeLessThan(run.durationNs);
  });

  it("ends by an AbortSignal with the finished rounds kept and the host as it was", async () => {
    const before = hostState();
    const abort = new AbortController();
    const running = bench({
      ...REQUEST,
      rounds: 100,
      latencySessions: 0,
      backend: "off",
      signal: abort.signal,
    });
    for await (const { event, round } of running) {
      if (event === "round" && round.index === 2) abort.abort();
    }
    const run = await running;
    expect(run.state).toBe("interrupted");
    const rounds = run.cases[0]?.rounds.length ?? 0;
    expect(rounds).toBeGreaterThanOrEqual(2);
    expect(rounds).toBeLessThan(100);
    expect(run.cases[0]?.roundTrip?.count).toBeGreaterThan(0);
    expect(await hostChanges(before, 2000)).toEqual({});
  });

  it("rejects a request that is wrong, and does not throw", async () => {
    const running = bench({ workload: ["storm"] });
    expect(await collected(running)).toEqual([]);
    await expect(running).rejects.toThrow('unknown workload "storm"');
  });
});

describe("a rejection that nobody awaits", () => {
  const library = fileURLToPath(new URL("../../../dist/index.js", import.meta.url));
  const ended = (use: string) => {
    const text = `
      import { bench, track } from ${JSON.stringify(library)};
      const running = bench({ workload: ["storm"] });
      ${use}
    `;
    const options = { encoding: "utf8", timeout: 20_000 } as const;
    return spawnSync(process.execPath, ["--input-type=module", "--eval", text], options);
  };

  it("ends the process as any promise would", () => {
    const { status, stderr } = ended("");
    expect(status).toBe(1);
    expect(stderr).toContain('unknown workload "storm"');
  });

  it("does not where the progress was read, even by one who has left the reading", () => {
    expect(ended("for await (const step of running) console.log(step);").status).toBe(0);
    expect(ended("running[Symbol.asyncIterator]();").status).toBe(0);
  });

  it("is told where the run is tracked", () => {
    const { status, stderr } = ended("track(running);");
    expect(status).toBe(0);
    expect(stderr).toMatch(/^bridgescope: unknown workload "storm"; known are [^\n]*\n$/);
  });
});
