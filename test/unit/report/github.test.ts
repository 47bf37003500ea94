import { describe, expect, test } from "vitest";
import type { Comparison, Verdict } from "../../../src/document/compare.ts";
import { githubAnnotations, githubSummary } from "../../../src/report/comparison/github.ts";
import { renderComparisonMarkdown } from "../../../src/report/comparison/markdown.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { bookwormRun, tcgRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { completeRun, hostileRun, largeRun } from "../../fixtures/report/runs.ts";
import { unclosed } from "./markup.ts";

const MIB = 1024 ** 2;
const kernels = compareRuns(bookwormRun(), trixieRun());
const bytes = (text: string) => Buffer.byteLength(text);

interface Command {
  readonly kind: string;
  readonly properties: Record<string, string>;
  readonly message: string;
}

/** As the runner reads a line (ActionCommand.TryParseV2): properties up to `::`, then unescaped. */
function commandsIn(text: string): Command[] {
  expect(text === "" || text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [, kind = "", pairs = "", message = ""] = /^::(\w+) ([^:]*)::(.*)$/.exec(line) ?? [];
      if (kind === "") throw new Error(`no command: ${line}`);
      const properties = pairs.split(",").map((pair) => pair.split("=", 2).map(unescaped));
      return { kind, properties: Object.fromEntries(properties), message: unescaped(message) };
    });
}

function unescaped(text: string): string {
  return text
    .replaceAll("%0D", "\r")
    .replaceAll("%0A", "\n")
    .replaceAll("%3A", ":")
    .replaceAll("%2C", ",")
    .replaceAll("%25", "%");
}

/** So many verdicts of a kind, all of one case of a real comparison. */
function withVerdicts(...lists: Partial<Verdict>[][]): Comparison {
  const [like] = kernels.verdicts;
  if (like === undefined) throw new Error("fixture");
  return { ...kernels, verdicts: lists.flat().map((one) => ({ ...like, ...one })) };
}

const many = (count: number, some: Partial<Verdict>) =>
  Array.from({ length: count }, (_, index) => ({ case: `bridge:${index}/forward`, ...some }));

describe("annotations", () => {
  test("tell regressions as errors and improvements as notices, with values and interval", () => {
    const commands = commandsIn(githubAnnotations(kernels));
    expect(commands[0]).toMatchInlineSnapshot(`
      {
        "kind": "error",
        "message": "bridge:4/forward instructions_per_frame: 5,120 to 5,166 instructions, 0.90 % more (ratio 1.0090, interval 1.0090 .. 1.0100): regression",
        "properties": {
          "title": "bridgescope: regression",
        },
      }
    `);
    const verdicts = kernels.verdicts.map(({ verdict }) => verdict);
    for (const [kind, verdict] of [
      ["error", "regression"],
      ["notice", "improvement"],
    ]) {
      const of = verdicts.filter((one) => one === verdict).length;
      expect(of).toBeGreaterThan(0);
      expect(commands.filter((one) => one.kind === kind)).toHaveLength(of);
    }
  });

  test("warn of open verdicts on headline metrics, with the reason, and of no others", () => {
    const other = { ...completeRun(), id: "other" };
    const compared = compareRuns(completeRun(), other);
    const open = compared.verdicts.filter(({ verdict }) => verdict === "inconclusive");
    const headlines = open.filter(({ metric }) => /^(ns_per_frame|frame_rate)$/.test(metric));
    expect(open.length).toBeGreaterThan(headlines.length);
    const commands = commandsIn(githubAnnotations(compared));
    expect(commands.map(({ kind }) => kind)).toEqual(headlines.map(() => "warning"));
    expect(commands[0]?.message).toContain("run-to-run variation is unknown");
  });

  test("warn where nothing could be compared", () => {
    const [only, ...others] = commandsIn(githubAnnotations(compareRuns(tcgRun(), completeRun())));
    expect(others).toEqual([]);
    expect(only?.kind).toBe("warning");
    expect(only?.message).toContain(
      "nothing was compared: measured by wall clock under qemu's TCG",
    );
  });

  test("say nothing where nothing changed", () => {
    expect(githubAnnotations(withVerdicts(many(3, { verdict: "unchanged" })))).toBe("");
  });

  test("name the candidate where there are several", () => {
    const other = trixieRun();
    if (other.guest) other.guest.kernel.spec = "debian:sid";
    const commands = commandsIn(
      githubAnnotations(compareRuns(bookwormRun(), [trixieRun(), { ...other, id: "sid" }])),
    );
    expect(commands.filter(({ message }) => /^debian:(trixie|sid): /.test(message))).toEqual(
      commands,
    );
    expect(commands[0]?.message).not.toContain("undefined");
  });

  test.each([
    [10, 10, undefined],
    [11, 10, "and 2 more"],
    [1500, 10, "and 1,491 more"],
  ])("of %i of a kind are %i", (count, lines, last) => {
    const text = githubAnnotations(
      withVerdicts(
        many(count, { verdict: "regression" }),
        many(count, { verdict: "improvement" }),
        many(count, { verdict: "inconclusive", metric: "ns_per_frame" }),
      ),
    );
    for (const kind of ["error", "warning", "notice"]) {
      const found = commandsIn(text).filter((one) => one.kind === kind);
      expect(found).toHaveLength(lines);
      expect(found.at(-1)?.message.startsWith("and ")).toBe(last !== undefined);
      if (last !== undefined) expect(found.at(-1)?.message).toContain(last);
    }
  });

  test("are one line each and keep their text, whatever a case is called", () => {
    const names = ["50%,a::b%0Ac", "x\n::error::y", "x\r\n::set-output name=a::b", "##[error]z"];
    const text = githubAnnotations(
      withVerdicts(names.map((name) => ({ case: name, verdict: "regression" }))),
    );
    const commands = commandsIn(text);
    expect(commands).toHaveLength(names.length);
    expect(commands[0]?.message).toContain("50%,a::b%0Ac");
    expect(commands[1]?.message).toContain("x\\x0a::error::y");
    expect(commands.map(({ properties }) => properties)).toEqual(
      names.map(() => ({ title: "bridgescope: regression" })),
    );
  });

  test("of a hostile run hold nothing that a terminal obeys", () => {
    const run = hostileRun();
    const cases = run.cases.map((item) => ({ ...item, state: "complete" as const }));
    const text = githubAnnotations(compareRuns({ ...run, cases }, { ...run, id: "b", cases }));
    expect(commandsIn(text).length).toBeGreaterThan(0);
    expect(/[^\P{C}\n]/u.exec(text)).toBeNull();
  });
});

describe("the summary", () => {
  const large = compareRuns(largeRun(100), { ...largeRun(100), id: "other" });

  test("is the Markdown of the comparison", () => {
    expect(githubSummary(kernels, MIB)).toBe(`${renderComparisonMarkdown(kernels)}\n`);
  });

  test.each([
    ["small", kernels, 61],
    ["large", large, 997],
  ])("is shortened after a whole line, with its folds ended, and says so: %s", (_, of, step) => {
    const whole = renderComparisonMarkdown(of);
    const known = new Set(whole.split("\n"));
    let inFold = 0;
    for (let room = 400; room < bytes(whole); room += step) {
      const text = githubSummary(of, room);
      expect(bytes(text)).toBeLessThanOrEqual(room);
      expect(text).toContain("Shortened, for GitHub takes 1 MiB of summary a step");
      expect(unclosed(text)).toEqual([]);
      const [body = "", end = ""] = text.split(/(?=\n\n\*\*Shortened)/);
      expect(end.match(/\n/g)).toHaveLength(4);
      const lines = body.replace(/\n<\/details>$/, "").split("\n");
      expect(lines.filter((line) => !known.has(line))).toEqual([]);
      if (!whole.startsWith(body)) inFold++;
    }
    if (of === kernels) expect(inFold).toBeGreaterThan(5);
  });

  test("is the longer the more room there is, and empty without any", () => {
    expect(githubSummary(large, 0)).toBe("");
    expect(githubSummary(large, -5)).toBe("");
    expect(githubSummary(large, 50)).toBe("");
    expect(bytes(githubSummary(large, 20_000))).toBeGreaterThan(19_000);
  });

  test("of what Markdown has no bound for stays below 1 MiB", () => {
    const warnings = Array.from({ length: 6000 }, (_, index) => `${index} ${"x".repeat(200)}`);
    const all = { ...kernels, warnings };
    expect(bytes(renderComparisonMarkdown(all))).toBeGreaterThan(MIB);
    const text = githubSummary(all, MIB);
    expect(bytes(text)).toBeGreaterThan(MIB - 2000);
    expect(bytes(text)).toBeLessThanOrEqual(MIB);
  });
});
