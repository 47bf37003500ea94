import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isSound } from "../../../src/index.ts";
import { readJournal } from "../../../src/store/journal.ts";
import { readRun } from "../../../src/store/runs.ts";
import { randomOf } from "../../seed.ts";
import { hostChanges, hostState } from "../host-state.ts";
import { bridgescope, scratch, start } from "./cli.ts";

let folder: ReturnType<typeof scratch>;
let out: string;
let journal: string;
beforeEach(() => {
  folder = scratch();
  out = join(folder.path, "out");
  journal = join(out, "journal.ndjson");
});
afterEach(() => folder.remove());

const WATCHED = [
  "--topology",
  "bridge:3",
  "--workload",
  "flood",
  "--rounds",
  "8",
  "--latency-sessions",
  "1",
];
const PLAIN = [
  ...["--topology", "veth", "--topology", "bridge:2"],
  ...["--workload", "udp-rr", "--workload", "forward"],
  ...["--rounds", "8", "--backend", "off"],
];
const begin = (words: string[]) => ["bench", ...words, "--duration", "100ms", "--out", out];

const random = randomOf("when a run is killed");

/** Rounds of cases that the journal holds as finished, by driver and the moment of their beginning. */
function keptRounds(driver?: string): number[] {
  const text = existsSync(journal) ? readFileSync(journal, "utf8") : "";
  // Its head is being written.
  if (!text.includes("\n")) return [];
  return readJournal(text, journal).events.flatMap((event) =>
    event.act === "measure"
      ? event.rounds
          .filter((round) => driver === undefined || round.driver === driver)
          .map(({ startNs }) => startNs)
      : [],
  );
}

/** Kills it by SIGKILL so long after `begun`, or after its first words; false when it had ended before. */
async function killed(args: string[], ms: number, begun?: () => boolean): Promise<boolean> {
  const running = start(args);
  await running.saw(args.includes("--resume") ? "resuming" : "plan ");
  const ended = running.finished.then(() => true);
  while (begun?.() === false && !(await Promise.race([ended, sleep(20, false)])));
  await sleep(ms);
  running.process.kill("SIGKILL");
  return (await running.finished).signal === "SIGKILL";
}

describe("a run that is killed again and again, and resumed,", () => {
  it.each([
    ["with probes", WATCHED, 1],
    ["without", PLAIN, 4],
  ] as const)("%s has lost no finished round in the end", async (_, words, cases) => {
    const before = hostState();
    const finished = new Set<number>();
    let deaths = 0;
    while (deaths < 4) {
      const args = existsSync(journal) ? ["bench", "--resume", out] : begin([...words]);
      // Of two deaths one comes when there is a round to be lost, however slow the machine is.
      // It may have been killed when all was done.
      if (!existsSync(journal) && existsSync(join(out, "run.json"))) break;
      const have = keptRounds().length;
      const begun = deaths % 2 === 0 ? () => keptRounds().length > have : undefined;
      if (!(await killed(args, random() * 2500, begun))) break;
      deaths++;
      for (const startNs of keptRounds()) finished.add(startNs);
      expect(await hostChanges(before, 1000)).toEqual({});
    }
    if (existsSync(journal)) {
      const result = await bridgescope(["bench", "--resume", out]);
      expect(result.stderr).toContain("resuming run ");
      expect(result.code).toBe(0);
    }
    const run = readRun(out);
    expect(isSound(run)).toBe(true);
    expect(run.cases).toHaveLength(cases);
    const rounds = run.cases.flatMap((one) => one.rounds);
    expect(deaths).toBeGreaterThan(0);
    expect(finished.size).toBeGreaterThan(0);
    const known = new Set(rounds.map(({ startNs }) => startNs));
    expect([...finished].filter((startNs) => !known.has(startNs))).toEqual([]);
    for (const one of run.cases) {
      const counted = one.rounds.filter(({ discarded }) => discarded === null);
      expect(counted).toHaveLength(words === WATCHED ? 19 : 8);
      expect(one.metrics.frame_loss?.samples ?? one.metrics.rtt_p50?.samples).toHaveLength(8);
    }
    expect(run.provenance.argv).toContain("--topology");
    expect(run.provenance.resumedAt?.length).toBeGreaterThan(0);
    expect(readdirSync(out).sort()).toEqual(["report.html", "report.md", "run.json"]);
  });
});

const VERSUS = [
  ...["--topology", "bridge:2", "--vs", "bridge:3", "--rounds", "40"],
  ...["--workload", "udp-rr", "--workload", "forward", "--margin", "50%"],
];

describe("a comparison that is killed again and again, and resumed,", () => {
  it("has lost no finished pair in the end", async () => {
    const before = hostState();
    const finished = { base: new Set<number>(), candidate: new Set<number>() };
    for (let deaths = 0; deaths < 4; deaths++) {
      const begun = existsSync(journal);
      if (!begun && existsSync(join(out, "compare.json"))) break;
      const running = start(
        begun ? ["bench", "--resume", out] : ["bench", ...VERSUS, "--out", out],
      );
      await running.saw(begun ? "resuming" : "against");
      await sleep(700 + random() * 1500);
      running.process.kill("SIGKILL");
      if ((await running.finished).signal !== "SIGKILL") break;
      for (const side of ["base", "candidate"] as const) {
        for (const startNs of keptRounds(side)) finished[side].add(startNs);
      }
      expect(await hostChanges(before, 1000)).toEqual({});
    }
    expect(finished.base.size).toBeGreaterThan(0);
    if (existsSync(journal)) {
      const result = await bridgescope(["bench", "--resume", out]);
      expect(result.stderr).toContain("resuming run ");
      expect([0, 3], `${result.stderr}${result.stdout}`).toContain(result.code);
    }
    for (const side of ["base", "candidate"] as const) {
      const run = readRun(join(out, side));
      expect(run.state).toBe("complete");
      expect(run.provenance.resumedAt?.length).toBeGreaterThan(0);
      expect(run.cases.map(({ id }) => id.split("/")[1])).toEqual(["udp-rr", "forward"]);
      const known = new Set(run.cases.flatMap((one) => one.rounds.map(({ startNs }) => startNs)));
      expect([...finished[side]].filter((startNs) => !known.has(startNs))).toEqual([]);
      for (const { sessions, warnings } of run.cases) {
        expect(sessions?.every(({ pairs, stopped }) => pairs === 40 && stopped === "pairs")).toBe(
          true,
        );
        if (sessions?.length === 1) expect(warnings.length).toBeLessThanOrEqual(1);
      }
    }
    expect(existsSync(journal)).toBe(false);
    const compared = JSON.parse(readFileSync(join(out, "compare.json"), "utf8"));
    expect(compared.reproduce.flat()).toContain("--vs");
  });
});

describe("--resume", () => {
  it("goes on after Ctrl-C, which says how", async () => {
    const running = start(begin(PLAIN));
    await running.saw("[2/4]");
    while (keptRounds().length < 10) await sleep(20);
    running.process.kill("SIGINT");
    const interrupted = await running.finished;
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain(`bench --resume ${out}`);
    const before = readRun(out).cases.flatMap((one) => one.rounds);
    expect((await bridgescope(["bench", "--resume", out])).code).toBe(0);
    const run = readRun(out);
    expect(run.state).toBe("complete");
    const known = new Set(run.cases.flatMap((one) => one.rounds.map(({ startNs }) => startNs)));
    expect(before.length).toBeGreaterThan(0);
    expect(before.every(({ startNs }) => known.has(startNs))).toBe(true);
  });

  it("leaves out a last line that was being written", async () => {
    await killed(begin(PLAIN), 0, () => keptRounds().length > 0);
    const text = readFileSync(journal, "utf8");
    writeFileSync(journal, `${text}{"act":"measure","rou`);
    const result = await bridgescope(["bench", "--resume", journal]);
    expect(result.code).toBe(0);
    expect(readRun(out).state).toBe("complete");
  });

  it("refuses another kernel, another version, another plan and what is no journal", async () => {
    await killed(begin(PLAIN), 0, () => keptRounds().length > 0);
    const text = readFileSync(journal, "utf8");
    const [first = "", ...rest] = text.split("\n");
    const said = async (edit: (head: Record<string, never>) => void, ...more: string[]) => {
      const head = JSON.parse(first);
      edit(head);
      writeFileSync(journal, [JSON.stringify(head), ...rest].join("\n"));
      const result = await bridgescope(["bench", "--resume", out, ...more]);
      expect(result.code).toBe(2);
      return result.stderr;
    };
    const set = (change: (head: { run: Document; request: Request; schema: string }) => void) =>
      change as unknown as (head: Record<string, never>) => void;
    interface Document {
      environment: { kernel: { release: string } };
      provenance: { version: string };
    }
    interface Request {
      rounds: string;
    }
    expect(
      await said(
        set(({ run }) => {
          run.environment.kernel.release = "5.4.0";
        }),
      ),
    ).toContain("begun on Linux 5.4.0");
    expect(
      await said(
        set(({ run }) => {
          run.provenance.version = "0.0.1";
        }),
      ),
    ).toContain("begun by bridgescope 0.0.1");
    expect(
      await said(
        set(({ request }) => {
          request.rounds = "9";
        }),
      ),
    ).toContain("now comes to something else");
    expect(
      await said(
        set((head) => {
          head.schema = "other";
        }),
      ),
    ).toContain("line 1, schema");
    expect(await said(() => {}, "--rounds", "3")).toContain("--rounds is for `bench`");
    expect(readFileSync(journal, "utf8").split("\n").slice(1)).toEqual(rest);
    const none = await bridgescope(["bench", "--resume", folder.path]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("no run to resume")]);
  });

  it("runs no command that a journal names", async () => {
    await killed(begin(PLAIN), 0, () => keptRounds().length > 0);
    const [first = "", ...rest] = readFileSync(journal, "utf8").split("\n");
    const head = JSON.parse(first);
    const trap = join(folder.path, "trap");
    Object.assign(head.request, { topology: ["external"], setup: `["touch", "${trap}"]` });
    writeFileSync(journal, [JSON.stringify(head), ...rest].join("\n"));
    const result = await bridgescope(["bench", "--resume", out]);
    expect(result.code).toBe(2);
    expect(existsSync(trap)).toBe(false);
  });
});

it("a new run in the folder of one that was cut off keeps the other's journal", async () => {
  await killed(begin(PLAIN), 0, () => keptRounds().length > 0);
  const before = readFileSync(journal, "utf8");
  const result = await bridgescope(begin(["--backend", "off", "--rounds", "1"]));
  expect(result.code).toBe(0);
  const kept = readdirSync(out).find((name) => /^journal-.*\.ndjson$/.test(name)) ?? "";
  expect(result.stderr).toContain(kept);
  expect(readFileSync(join(out, kept), "utf8")).toBe(before);
});
