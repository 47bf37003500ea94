import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Run } from "../../src/document/run.ts";
import { renderComparisonHtml } from "../../src/report/comparison/html.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { compareRuns } from "../../src/stats/compare/runs.ts";
import { parseRun } from "../../src/store/runs.ts";
import { BridgescopeError } from "../../src/system/errors.ts";
import { open, POINT_AT_ALL, startBrowser, unfold } from "../browser/chromium.ts";
import { type Files, pageFiles } from "../browser/pages.ts";
import { bookwormRun } from "../fixtures/report/kernels.ts";
import { completeRun } from "../fixtures/report/runs.ts";
import { pick, trials } from "./trials.ts";

/** It is true in a page in which one of these was run. */
const MARK = "window.obeyed";
const RUN = `${MARK}=true`;
/** What leads out of where a text may stand: an element, an attribute, a script, a style, a comment, an address. */
const ATTACKS = [
  `<script>${RUN}</script>`,
  `</script><script>${RUN}</script>`,
  `</style><svg onload=${RUN}>`,
  `</title><img src=http://192.0.2.1/x onerror=${RUN}>`,
  `" onmouseover="${RUN}" autofocus onfocus="${RUN}" x="`,
  `' onpointermove='${RUN}' x='`,
  `--><iframe srcdoc="<script>parent.${RUN}</script>"></iframe><!--`,
  `]]><body onload=${RUN}>`,
  `javascript:${RUN}`,
  `");${RUN}//`,
  `\\u003cscript>${RUN}</script>`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  "url(http://192.0.2.1/y)",
  "<meta http-equiv=refresh content='0;url=http://192.0.2.1/'>",
  "<link rel=stylesheet href=http://192.0.2.1/z>",
  "<base href=http://192.0.2.1/>",
  `<details open ontoggle=${RUN}>`,
  `<math><mtext></form><mglyph><style></math><img src onerror=${RUN}>`,
  `\${${RUN}}`,
  "\u2028\u2029\u0000\ud800",
  "__proto__",
];

type Path = (string | number)[];

/** A document, and where in it any text may stand: as a value, or as the name of one. */
interface Ground {
  document: unknown;
  values: Path[];
  names: Path[];
}

let browser: Browser;
let files: Files;
let grounds: Ground[];
beforeAll(async () => {
  files = pageFiles();
  grounds = [completeRun(), bookwormRun()].map(groundOf);
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  files?.remove();
});

it("no document that is made to attack runs anything in a browser, or has it ask for anything", async () => {
  for (const { values, names } of grounds) {
    expect([values.length > 30, names.length > 1]).toEqual([true, true]);
  }
  await trials("run documents made to attack, in a browser", 2, async (random, index) => {
    const [first, second] = [pick(random, grounds), pick(random, grounds)];
    const name = `attack${index}`;
    const url = files.put(name, pageOf(attacked(first, random), attacked(second, random), random));
    const { page, amiss, close } = await open(browser, url);
    try {
      await unfold(page);
      await page.evaluate(POINT_AT_ALL);
      for (const button of await page.locator(".copy button").all()) await button.click();
      expect(await page.evaluate(MARK)).toBeUndefined();
      expect(amiss).toEqual([]);
    } finally {
      await close();
    }
  });
});

/** The page of one of them, or of both where they can be compared. */
function pageOf(one: Run, other: Run, random: () => number): string {
  if (random() < 0.5) return renderHtml(one);
  return unlessRefused(() => renderComparisonHtml(compareRuns(one, other))) ?? renderHtml(one);
}

/** Null where it was refused, as documents are in which two cases came to bear one name. */
function unlessRefused<Result>(act: () => Result): Result | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof BridgescopeError) return null;
    throw error;
  }
}

function attacked(ground: Ground, random: () => number): Run {
  for (;;) {
    const text = attackOn(ground, random);
    const run = unlessRefused(() => parseRun(text, "run.json"));
    if (run !== null) return run;
  }
}

function attackOn({ document, values, names }: Ground, random: () => number): string {
  const copy = structuredClone(document);
  const share = random();
  const text = () => Array.from({ length: 1 + 2 * random() }, () => pick(random, ATTACKS)).join("");
  for (const path of values) if (random() < share) put(copy, path, text());
  // The deepest come first: a name is not changed below one that has been.
  for (const path of names) if (random() < share / 2) rename(copy, path, text());
  return JSON.stringify(copy);
}

function groundOf(document: unknown): Ground {
  const ground: Ground = { document, values: [], names: [] };
  const accepted = (change: (copy: unknown) => void) => {
    const copy = structuredClone(document);
    change(copy);
    return unlessRefused(() => parseRun(JSON.stringify(copy), "run.json")) !== null;
  };
  const visit = (value: unknown, path: Path) => {
    if (typeof value === "string") {
      if (accepted((copy) => put(copy, path, "<b>"))) ground.values.push(path);
    }
    if (typeof value !== "object" || value === null) return;
    // The first of what is alike stand for all.
    for (const [key, child] of Object.entries(value).slice(
      0,
      Array.isArray(value) ? 2 : undefined,
    )) {
      const place = [...path, key];
      visit(child, place);
      if (!Array.isArray(value) && accepted((copy) => rename(copy, place, "<b>"))) {
        ground.names.push(place);
      }
    }
  };
  visit(document, []);
  return ground;
}

type Parent = Record<string | number, unknown>;

function parentOf(document: unknown, path: Path): Parent | undefined {
  return path
    .slice(0, -1)
    .reduce((at: Parent | undefined, key) => at?.[key] as Parent | undefined, document as Parent);
}

function put(document: unknown, path: Path, text: string): void {
  const [parent, key] = [parentOf(document, path), path.at(-1) ?? ""];
  if (parent !== undefined && key in parent) parent[key] = text;
}

function rename(document: unknown, path: Path, text: string): void {
  const [parent, key] = [parentOf(document, path), path.at(-1) ?? ""];
  if (parent === undefined || !(key in parent)) return;
  const value = parent[key];
  delete parent[key];
  Object.defineProperty(parent, text, { value, enumerable: true, configurable: true });
}
