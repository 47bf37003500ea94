import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sealed } from "../../../src/document/integrity.ts";
import type { Run } from "../../../src/document/run.ts";
import { FORMATS, formatNamed } from "../../../src/report/formats.ts";
import { renderHtml } from "../../../src/report/html/page.ts";
import { renderMarkdown } from "../../../src/report/markdown/run.ts";
import { renderTerminal } from "../../../src/report/terminal/run.ts";
import { hostileRun } from "../../fixtures/report/runs.ts";
import {
  attributesOf,
  misnamed,
  obeyed,
  packedIn,
  tags,
  unclosed,
  withoutScript,
} from "./markup.ts";

const run = hostileRun();

describe.each(FORMATS.map((format) => [format.name, format] as const))("%s", (_, format) => {
  test("holds no character that a terminal obeys", () => {
    expect(obeyed(format.render(run))).toBeNull();
  });
});

test("colour is the only escape sequence that a terminal gets", () => {
  const text = renderTerminal(run, { color: true, width: 80 });
  const plain = text.replaceAll(new RegExp(`${"\x1b"}\\[[0-9;]+m`, "g"), "");
  expect(text).toContain("\x1b[1;31m");
  expect(obeyed(plain)).toBeNull();
  expect(plain).toBe(renderTerminal(run, { color: false, width: 80 }));
});

describe("html", () => {
  const page = withoutScript(renderHtml(run));

  test("has no element and no attribute from outside", () => {
    for (const raw of ["<b>x", "<script", "</script", '" onload=', "<!-- ", "--><!--"]) {
      expect(page).not.toContain(raw);
    }
    expect(attributesOf(page).filter((name) => name.startsWith("on"))).toEqual([]);
    expect(attributesOf(page)).not.toContain("style");
  });

  test("shows the names, escaped", () => {
    expect(page).toContain("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).toContain("\\x1b[31mred");
    expect(page).toContain("a\\u202egnp.exe");
  });

  test("has only the elements it is made of, each closed", () => {
    expect(unclosed(page)).toEqual([]);
  });

  test("carries the document whole", () => {
    expect(packedIn(page)).toEqual(sealed(run));
  });

  test("gives no two elements one id, and every link of its own a target", () => {
    expect(misnamed(page)).toEqual([]);
  });
});

test("markdown holds no HTML, table cell, link, mention or code from outside", () => {
  const text = renderMarkdown(run);
  for (const raw of ["<b>x", "<script", "](j:)", "`x`", "|*_", "@me", "~~", "$(id)", "<!--"]) {
    expect(withoutPre(text)).not.toContain(raw);
  }
  expect(text).not.toContain("<script");
  expect(tags(text)).toEqual(["code", "details", "pre", "summary"]);
});

test("markdown tables keep their number of cells", () => {
  for (const block of renderMarkdown(run).split("\n\n")) {
    const rows = block.split("\n").filter((line) => line.startsWith("|"));
    expect(new Set(rows.map((line) => line.split("|").length)).size).toBeLessThanOrEqual(1);
  }
});

test("no text at all makes an element or an escape", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
      const named = renamed(text);
      for (const format of FORMATS) expect(obeyed(format.render(named))).toBeNull();
      expect(unclosed(formatNamed("html")?.render(named) ?? "")).toEqual([]);
    }),
    { numRuns: 25 },
  );
});

function renamed(text: string): Run {
  const [first] = run.cases;
  if (first === undefined) throw new Error("fixture");
  return {
    ...run,
    id: text,
    checks: [],
    cases: [{ ...first, id: text, warnings: [text], ports: [], latency: {}, metrics: {} }],
  };
}

function withoutPre(text: string): string {
  return text.replaceAll(/<pre>.*?<\/pre>/gs, "");
}
