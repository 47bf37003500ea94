import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { bridgescope, type Finished, type Running } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { begin, SUBJECTS } from "./commands.ts";
import { stage } from "./stage.ts";
import { inTime, pick, trials } from "./trials.ts";

const at = stage();
/** Not those in guests: test/guest interrupts them when there is something to interrupt. */
const HERE = Object.entries(SUBJECTS).filter(([, { kernel }]) => kernel === undefined);

/** Within which it has ended, and the host is clean. */
const LIMIT_MS = 2000;
/** A second signal this soon is the same key press. */
const AGAIN_MS = 600;

type End = "SIGINT" | "SIGTERM" | "SIGHUP";
const ENDS: [what: string, signal: End, times: number][] = [
  ["SIGINT", "SIGINT", 1],
  ["SIGINT twice", "SIGINT", 2],
  ["SIGTERM", "SIGTERM", 1],
  ["SIGHUP", "SIGHUP", 1],
];

async function send({ process }: Running, signal: End, times: number): Promise<void> {
  for (let time = 1; time <= times; time++) {
    if (time > 1) await sleep(AGAIN_MS);
    process.kill(signal);
  }
}

/** Ctrl-C is a normal end of the two that watch until somebody has seen enough; 3 is what explain has found. */
const BY_CTRL_C: Record<string, number[]> = { watch: [0], explain: [0, 3] };

describe("a signal at any instant: its exit status, and a clean host", () => {
  it.each(ENDS)("%s", async (end, signal, times) => {
    await trials(`${end} to any command`, 1, async (random) => {
      const [name, subject] = pick(random, HERE);
      const here = at.place();
      const before = hostState();
      await subject.before?.(here);
      const running = begin(subject, here);
      await sleep(random() * subject.spanMs);
      await send(running, signal, times);
      const began = Date.now();
      const result = await running.finished;
      expect(inTime(began, LIMIT_MS), `${name} took ${Date.now() - began} ms`).toBe(true);
      if (name.startsWith("lab")) await bridgescope(["lab", "down", "--all"], here.env);
      expect(await hostChanges(before, LIMIT_MS), name).toEqual({});
      expect(readdirSync(at.temporary)).toEqual([]);
      // On a busy host explain's probes may have been detached, and the answer given, before the signal came.
      const own = name === "explain" && !result.stderr.includes("the answer follows");
      const usual = own || signal === "SIGINT" ? (BY_CTRL_C[name] ?? []) : [];
      // A lab may stand, or be gone, before the signal comes.
      const fit = [
        128 + constants.signals[signal],
        ...usual,
        ...(name.startsWith("lab") ? [0] : []),
      ];
      expect(fit, `${name}: ${result.stderr}`).toContain(statusOf(result));
      expect(result.stderr).not.toMatch(/unexpected|^\s+at /m);
    });
  });
});

it("a reader that has gone ends what streams, and keeps what is written from harm", async () => {
  const names = ["bench", "bench --vs", "watch", "explain"];
  const commands = Object.entries(SUBJECTS).filter(([name]) => names.includes(name));
  await trials("closed pipe, of any command", 1, async (random) => {
    const [name, subject] = pick(random, commands);
    const here = at.place();
    const before = hostState();
    const args = subject.args(here);
    const short = name === "bench" ? args.map((word) => (word === "20" ? "2" : word)) : args;
    const words = name === "explain" ? [...short, "--duration", "1s"] : short;
    const running = begin({ ...subject, args: () => words }, here);
    await sleep(random() * 2000);
    running.process.stdout?.destroy();
    if (random() < 0.5) running.process.stderr?.destroy();
    const status = statusOf(await running.finished);
    expect(await hostChanges(before, LIMIT_MS)).toEqual({});
    expect(readdirSync(at.temporary)).toEqual([]);
    // What a run found is in its files, whoever reads along.
    const found =
      name === "bench" ? [0, 141] : name === "bench --vs" ? [0, 1, 3, 141] : [0, 3, 141];
    expect(found).toContain(status);
    if (name === "bench") expect(readdirSync(here.out)).toContain("run.json");
  });
});

/** As a shell sees it. */
function statusOf({ code, signal }: Finished): number | null {
  return signal === null ? code : 128 + constants.signals[signal as NodeJS.Signals];
}
