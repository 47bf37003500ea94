import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJournal } from "../../src/bench/journal/read.ts";
import { readRun } from "../../src/bench/stored.ts";
import { bridgescope, scratch, start } from "../integration/bench/cli.ts";
import { type FloodLab, floodLab } from "../integration/explain/lab.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { begin, placeIn, SUBJECTS } from "./commands.ts";
import { type Decoys, plantDecoys } from "./decoys.ts";
import { trials } from "./trials.ts";

let lab: FloodLab;
let decoys: Decoys;
let folder: ReturnType<typeof scratch>;
let temporary: string;
beforeAll(async () => {
  folder = scratch();
  temporary = join(folder.path, "tmp");
  mkdirSync(temporary);
  decoys = plantDecoys();
  lab = await floodLab();
});
afterAll(async () => {
  await lab?.leave();
  decoys?.remove();
  folder?.remove();
});

/** Journals of runs that were killed are what is to be left of them. */
const place = () => {
  const { out, env, ...rest } = placeIn(folder.path, lab);
  return { out, env: { ...env, TMPDIR: temporary }, ...rest };
};

describe("SIGKILL at any instant leaves nothing", () => {
  it.each(Object.entries(SUBJECTS))("%s", async (name, subject) => {
    await trials(`SIGKILL of ${name}`, 1, async (random) => {
      const here = place();
      const [before, others] = [hostState(), decoys.state()];
      await subject.before?.(here);
      const running = begin(subject, here);
      await sleep(random() * subject.spanMs);
      running.process.kill("SIGKILL");
      const { code, signal, stderr } = await running.finished;
      // What had an end of its own before is no trial of SIGKILL unless it did its work.
      expect([signal, code], stderr).toEqual(signal === null ? [null, 0] : ["SIGKILL", null]);
      if (name.startsWith("lab")) {
        await bridgescope(["lab", "gc", "--json"], here.env);
        await bridgescope(["lab", "down", "--all"], here.env);
      }
      expect(await hostChanges(before, 1000)).toEqual({});
      expect(decoys.state()).toBe(others);
      expect(readdirSync(temporary)).toEqual([]);
    });
  });
});

it("no round that was finished is lost to SIGKILL, and the run goes on", async () => {
  await trials("finished rounds after SIGKILL, resumed", 1, async (random) => {
    const { out, env } = place();
    const journal = join(out, "journal.ndjson");
    const words = ["--topology", "bridge:2", "--workload", "forward", "--workload", "udp-rr"];
    const first = ["bench", ...words, "--rounds", "4", "--duration", "100ms", "--out", out];
    const kept = new Set<number>();
    for (let turn = 0; turn < 3; turn++) {
      const args = existsSync(journal) ? ["bench", "--resume", out] : first;
      if (existsSync(join(out, "run.json"))) break;
      const running = start(args, env);
      await sleep(500 + random() * 5000);
      running.process.kill("SIGKILL");
      await running.finished;
      if (!existsSync(journal)) continue;
      const { finished, inHand } = readJournal(readFileSync(journal, "utf8"), journal);
      const rounds = finished.flatMap((one) => one.rounds);
      const open = [...(inHand?.rounds ?? []).map(({ round }) => round), ...(inHand?.unread ?? [])];
      for (const { startNs } of [...rounds, ...open]) kept.add(startNs);
    }
    if (!existsSync(join(out, "run.json"))) {
      const last = existsSync(journal) ? ["bench", "--resume", out] : first;
      const result = await bridgescope(last, env);
      expect([result.code, result.stderr]).toEqual([0, expect.any(String)]);
    }
    const known = new Set(readRun(out).cases.flatMap((one) => one.rounds.map((r) => r.startNs)));
    expect([...kept].filter((startNs) => !known.has(startNs))).toEqual([]);
  });
});
