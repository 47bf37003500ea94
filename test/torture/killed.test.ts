import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readJournal } from "../../src/store/journal.ts";
import { readRun } from "../../src/store/runs.ts";
import { whyNoGuests } from "../guest/guest.ts";
import { bridgescope, start } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { halfMadeBy } from "../integration/kernels/cache-files.ts";
import { begin, SUBJECTS } from "./commands.ts";
import { stage } from "./stage.ts";
import { trials, wasCalledFor } from "./trials.ts";

const at = stage();

describe("SIGKILL at any instant leaves nothing", () => {
  // `npm test` kills a guest's command in test/guest, where one boots anyway.
  const subjects = Object.entries(SUBJECTS).filter(([, { kernel }]) => !kernel || wasCalledFor);
  it.for(subjects)("%s", async ([name, subject], { skip }) => {
    const lacking = subject.kernel === undefined ? null : await whyNoGuests([subject.kernel]);
    if (lacking !== null) process.stdout.write(`skipped: SIGKILL of ${name}: ${lacking}\n`);
    skip(lacking !== null);
    await trials(`SIGKILL of ${name}`, 1, async (random) => {
      const here = at.place();
      const [before, others] = [hostState(), at.decoys.state()];
      await subject.before?.(here);
      const running = begin(subject, here);
      await sleep(random() * subject.spanMs);
      running.process.kill("SIGKILL");
      const { code, signal, stderr } = await running.finished;
      // What had an end of its own before is no trial of SIGKILL unless it did its work.
      expect([signal, code], stderr).toEqual(signal === null ? [null, 0] : ["SIGKILL", null]);
      if (subject.collected) await bridgescope(["lab", "gc", "--json"], here.env);
      if (name.startsWith("lab")) await bridgescope(["lab", "down", "--all"], here.env);
      expect(halfMadeBy(running)).toEqual([]);
      expect(await hostChanges(before, 1000)).toEqual({});
      expect(at.decoys.state()).toBe(others);
      expect(readdirSync(at.temporary)).toEqual([]);
    });
  });
});

it("no round that was finished is lost to SIGKILL, and the run goes on", async () => {
  await trials("finished rounds after SIGKILL, resumed", 1, async (random) => {
    const { out, env } = at.place();
    const journal = join(out, "journal.ndjson");
    const words = [
      "--topology",
      "bridge:2",
      "--workload",
      "forward",
      "--workload",
      "udp-rr",
      "--latency-sessions",
      "1",
    ];
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
      const { events } = readJournal(readFileSync(journal, "utf8"), journal);
      for (const event of events) {
        if (event.act !== "measure") continue;
        for (const { startNs } of event.rounds) kept.add(startNs);
      }
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
