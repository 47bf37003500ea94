import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareSchema } from "../../../src/document/compare.ts";
import type { Run } from "../../../src/document/run.ts";
import { COMPARISON_FORMATS, renderComparison } from "../../../src/report/comparison.ts";
import { FORMATS } from "../../../src/report/formats.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { columns } from "../../../src/text/layout.ts";
import { bookwormRun, tcgRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { completeRun, hostileRun, largeRun } from "../../fixtures/report/runs.ts";
import {
  attributesOf,
  misnamed,
  obeyed,
  packedIn,
  tags,
  unclosed,
  withoutScript,
} from "../report/markup.ts";

const SNAPSHOTS = "../../fixtures/report/snapshots";
const argv = ["bridgescope", "compare", "reports/a b", "reports/trixie"];

function sid(): Run {
  const run = { ...trixieRun(), id: "20261124T030000Z-0702" };
  if (run.guest) run.guest.kernel.spec = "debian:sid";
  return run;
}

const COMPARISONS = {
  kernels: compareRuns(bookwormRun(), trixieRun(), { argv: trixieRun().provenance.argv }),
  three: compareRuns(bookwormRun(), [trixieRun(), sid()], { argv }),
  wall: compareRuns(completeRun(), { ...completeRun(), id: "20261124T0000-9999" }, { argv }),
  "under-tcg": compareRuns(tcgRun(), completeRun(), { argv }),
  hostile: compareRuns(hostileRun(), counter(hostileRun()), { argv: [hostileRun().id] }),
};
const ALL = Object.entries(COMPARISONS);
const READ = COMPARISON_FORMATS.filter((format) => format.name !== "json");

/** The same attacks, in other places and in counted time. */
function counter(run: Run): Run {
  const { id } = run;
  const other = bookwormRun();
  const [first] = other.cases;
  const [item] = run.cases;
  if (first === undefined || item === undefined) throw new Error("fixture");
  return {
    ...run,
    environment: {
      ...run.environment,
      kernel: { ...run.environment.kernel, cmdline: `x=${id}`, config: { [`${id}2`]: id } },
      functions: [{ name: `${id}3`, module: id, fentry: null, kprobe: null }],
    },
    cases: [
      { ...item, latency: {}, bridge: first.bridge },
      { ...first, id: `${id}/other` },
    ],
  };
}

describe.each(ALL)("%s", (name, comparison) => {
  test.each(READ.map((format) => [format.name, format] as const))("%s", async (_, format) => {
    const text = withoutDocument(format.render(comparison));
    expect(/NaN|undefined|Infinity|\[object/.exec(text)?.[0] ?? null).toBeNull();
    await expect(text).toMatchFileSnapshot(`${SNAPSHOTS}/${name}.${format.fileName}`);
  });

  test("json is the document and nothing else", () => {
    const text = renderComparison("json", comparison);
    expect(compareSchema.parse(JSON.parse(text))).toEqual(comparison);
  });

  test("no format holds a character that a terminal obeys", () => {
    for (const format of COMPARISON_FORMATS) expect(obeyed(format.render(comparison))).toBeNull();
  });

  test("no line is too wide", () => {
    for (const width of [60, 80, 132]) {
      const text = renderComparison("terminal", comparison, { color: false, width });
      expect(text.split("\n").filter((line) => columns(line) > width)).toEqual([]);
    }
    const commit = renderComparison("commit", comparison);
    expect(commit).toMatch(/^[\x20-\x7e\n]*$/);
    expect(commit.split("\n").filter((line) => line.length > 72)).toEqual([]);
  });

  test("the page is whole: elements closed, ids its own, links with targets, nothing fetched", () => {
    const page = renderComparison("html", comparison);
    expect(unclosed(page)).toEqual([]);
    expect(misnamed(page)).toEqual([]);
    expect(withoutScript(page)).not.toMatch(/<(script|link|iframe|object|embed|img|base|form)\b/);
    expect(attributesOf(page).filter((one) => one.startsWith("on"))).toEqual([]);
    expect(attributesOf(page)).not.toContain("style");
    expect(packedIn(page)).toEqual(comparison);
  });

  test("markdown holds no element from outside, and its tables keep their cells", () => {
    const text = renderComparison("markdown", comparison);
    expect(tags(text).filter((tag) => !["code", "details", "summary"].includes(tag))).toEqual([]);
    for (const block of text.split("\n\n")) {
      const rows = block.split("\n").filter((line) => line.startsWith("|"));
      expect(new Set(rows.map((line) => line.split("|").length)).size).toBeLessThanOrEqual(1);
    }
  });
});

describe("counted time is not called time", () => {
  const rendered: [string, string][] = [
    ...COMPARISON_FORMATS.map((format): [string, string] => [
      `comparison, ${format.name}`,
      withoutDocument(format.render(COMPARISONS.three)),
    ]),
    // In counted time nothing is better when it is more.
    ...FORMATS.filter(({ name }) => name !== "benchmark-json-bigger").map(
      (format): [string, string] => [
        `run, ${format.name}`,
        withoutDocument(format.render(bookwormRun())),
      ],
    ),
  ];

  test.each(rendered)("%s", (name, text) => {
    expect(/faster|slower|speed/i.exec(text)?.[0] ?? null).toBeNull();
    expect(text).toContain("instructions");
    if (name.endsWith("json")) return;
    const said = text.replaceAll(/\s+/g, " ");
    expect(said).toContain("no caches, no locks contended: instructions, not time");
    // No value in nanoseconds, no 1.33 k.
    expect(/\d (ns|µs|us|k instructions|instr)\b/.exec(text)?.[0] ?? null).toBeNull();
  });

  test("every axis of instructions says so", () => {
    for (const page of [
      renderComparison("html", COMPARISONS.kernels),
      FORMATS[0]?.render(bookwormRun()) ?? "",
    ]) {
      const axes = [...page.matchAll(/instructions \(logarithmic\)[^<]*/g)].map(([all]) => all);
      expect(axes.length).toBeGreaterThan(3);
      expect(axes.filter((text) => !text.endsWith("instructions, not time"))).toEqual([]);
    }
  });
});

describe.each(READ.map((format) => [format.name, format] as const))("%s says", (_, format) => {
  const said = (comparison: (typeof COMPARISONS)["kernels"]) =>
    format
      .render(comparison)
      .replaceAll(/<style>.*?<\/style>|<\/?[a-z][^>]*>|`/gs, " ")
      .replaceAll(/ \\\n/g, " ")
      .replaceAll(/\s+/g, " ");

  test("what differs before what changed", () => {
    const text = said(COMPARISONS.kernels);
    expect(text.indexOf("gcc-14")).toBeGreaterThan(0);
    expect(text.indexOf("CONFIG_RETHUNK")).toBeGreaterThan(text.indexOf("gcc-14"));
    expect(text.lastIndexOf("3,386 .. 3,389")).toBeGreaterThan(text.indexOf("CONFIG_RETHUNK"));
  });

  test("both values, their intervals, the ratio and the verdict", () => {
    const text = said(COMPARISONS.kernels);
    for (const words of ["3,336 .. 3,338", "3,386", "1.0150", "1.0144 .. 1.0159", "regression"]) {
      expect(text).toContain(words);
    }
  });

  test("that times of stages are net of the probes, and nothing of metrics and instructions", () => {
    const wall = said(COMPARISONS.wall);
    expect(wall).toMatch(/bridge\.forward, net of the probes/);
    expect(wall).toMatch(/veth\.out, net of the probes/);
    expect(wall).not.toMatch(/(ns_per_frame|rtt_p50), net of/);
    expect(said(COMPARISONS.kernels)).not.toMatch(/bridge\.\w+, net of the probes \d/);
  });

  test("how it is made again, and what boots by chance can do", () => {
    const text = said(COMPARISONS.kernels);
    expect(text).toContain("--kernel debian:bookworm --kernel debian:trixie --clock icount");
    expect(text).toContain("3 and 3 boots");
  });

  test("that times under TCG mean nothing", () => {
    expect(said(COMPARISONS["under-tcg"])).toContain("times mean nothing");
  });
});

test("a comparison of a hundred cases fits a pull request and a mail, and loses none in the page", () => {
  const run = largeRun(100);
  const comparison = compareRuns(run, { ...run, id: "other" });
  const markdown = renderComparison("markdown", comparison);
  expect(Buffer.byteLength(markdown)).toBeLessThan(60_000);
  expect(markdown).toContain("see compare.html or compare.json");
  const page = renderComparison("html", comparison);
  expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
  expect(run.cases.filter((item) => !page.includes(item.id))).toEqual([]);
}, 30_000);

test("no text at all makes an element or an escape", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
      const run = bookwormRun();
      const [first] = run.cases;
      if (first === undefined) throw new Error("fixture");
      const named = { ...run, id: text, cases: [{ ...first, id: text }] };
      const comparison = compareRuns(named, named, { argv: [text] });
      for (const format of COMPARISON_FORMATS) {
        expect(obeyed(format.render(comparison))).toBeNull();
      }
      expect(unclosed(renderComparison("html", comparison))).toEqual([]);
    }),
    { numRuns: 10 },
  );
}, 30_000);

test("an unknown format is refused", () => {
  expect(() => renderComparison("pdf", COMPARISONS.kernels)).toThrow(RangeError);
});

// The embedded document says what compare.json says, and its packing may differ with Node's zlib.
function withoutDocument(text: string): string {
  return text.replace(/<section id="document".*<\/section>/s, '<section id="document"></section>');
}
