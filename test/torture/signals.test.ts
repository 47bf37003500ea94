import { mkdirSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bridgescope, type Finished, type Running, scratch } from "../integration/bench/cli.ts";
import { type FloodLab, floodLab } from "../integration/explain/lab.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { begin, type Place, placeIn, SUBJECTS } from "./commands.ts";
import { inTime, trials } from "./trials.ts";

let lab: FloodLab;
let folder: ReturnType<typeof scratch>;
let temporary: string;
beforeAll(async () => {
  folder = scratch();
  temporary = join(folder.path, "tmp");
  mkdirSync(temporary);
  lab = await floodLab();
});
afterAll(async () => {
  await lab?.leave();
  folder?.remove();
});

/** Within which it has ended, and the host is clean. */
const LIMIT_MS = 2000;
/** A second signal this soon is the same key press. */
const AGAIN_MS = 600;

/** Each sends what ends the command; gives the statuses that it may end with then. */
const ENDS: Record<string, (running: Running) => Promise<number[]>> = {
  SIGINT: async ({ process }) => by(process.kill("SIGINT"), "SIGINT"),
  "SIGINT twice": async ({ process }) => {
    process.kill("SIGINT");
    await sleep(AGAIN_MS);
    return by(process.kill("SIGINT"), "SIGINT");
  },
  SIGTERM: async ({ process }) => by(process.kill("SIGTERM"), "SIGTERM"),
  SIGHUP: async ({ process }) => by(process.kill("SIGHUP"), "SIGHUP"),
};

const by = (_sent: boolean, name: "SIGINT" | "SIGTERM" | "SIGHUP") => [
  128 + constants.signals[name],
];

/** Ctrl-C is a normal end of the two that watch until somebody has seen enough; 3 is what explain has found. */
const BY_CTRL_C: Record<string, number[]> = { watch: [0], explain: [0, 3] };

describe("a signal at any instant: its exit status, and a clean host", () => {
  it.each(Object.keys(ENDS))("%s", async (end) => {
    const names = Object.keys(SUBJECTS);
    await trials(`${end} to any command`, 2, async (random) => {
      const name = names[Math.floor(random() * names.length)] ?? "";
      const [subject, here] = [SUBJECTS[name], place()];
      if (subject === undefined) throw new Error("no command");
      const before = hostState();
      await subject.before?.(here);
      const running = begin(subject, here);
      await sleep(random() * subject.spanMs);
      const statuses = await ENDS[end]?.(running);
      const began = Date.now();
      const result = await running.finished;
      expect(inTime(began, LIMIT_MS), `${name} took ${Date.now() - began} ms`).toBe(true);
      if (name.startsWith("lab")) await bridgescope(["lab", "down", "--all"], here.env);
      expect(await hostChanges(before, LIMIT_MS), name).toEqual({});
      expect(readdirSync(temporary)).toEqual([]);
      // On a busy host explain's probes may have been detached, and the answer given, before the signal came.
      const own = name === "explain" && !result.stderr.includes("the answer follows");
      const usual = own || end.startsWith("SIGINT") ? (BY_CTRL_C[name] ?? []) : [];
      // A lab may stand, or be gone, before the signal comes.
      const fit = [...(statuses ?? []), ...usual, ...(name.startsWith("lab") ? [0] : [])];
      expect(fit, `${name}: ${result.stderr}`).toContain(statusOf(result));
      expect(result.stderr).not.toMatch(/unexpected|^\s+at /m);
    });
  });
});

it("a reader that has gone ends what streams, and keeps what is written from harm", async () => {
  const names = ["bench", "bench --vs", "watch", "explain"];
  await trials("closed pipe, of any command", 1, async (random) => {
    const name = names[Math.floor(random() * names.length)] ?? "";
    const [subject, here] = [SUBJECTS[name], place()];
    if (subject === undefined) throw new Error("no command");
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
    expect(readdirSync(temporary)).toEqual([]);
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

function place(): Place {
  const { out, env, ...rest } = placeIn(folder.path, lab);
  return { out, env: { ...env, TMPDIR: temporary }, ...rest };
}
