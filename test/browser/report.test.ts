/** The pages in a real browser: drawn, in both themes, for everyone, and deaf to what names want. */
import { readFileSync } from "node:fs";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareSchema } from "../../src/document/compare.ts";
import { runSchema } from "../../src/document/run.ts";
import { renderComparisonHtml } from "../../src/report/comparison/html.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { compareRuns } from "../../src/stats/compare/runs.ts";
import { pairedRuns } from "../fixtures/report/paired.ts";
import { largeRun } from "../fixtures/report/runs.ts";
import { open, POINT_AT_ALL, startBrowser, unfold } from "./chromium.ts";
import { PAGES, pageFiles } from "./pages.ts";

const files = pageFiles();
const urls = new Map(Object.entries(PAGES).map(([name, text]) => [name, files.put(name, text)]));
const url = (name: keyof typeof PAGES) => urls.get(name) ?? "";
let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  files.remove();
});

const NAMES = Object.keys(PAGES) as (keyof typeof PAGES)[];
const THEMES = ["light", "dark"] as const;

describe.each(THEMES)("in the %s theme", (colorScheme) => {
  test.each(NAMES)("%s is drawn, without an error or a request", async (name) => {
    const { page, amiss, close } = await open(browser, url(name), { colorScheme });
    const figures = page.locator('svg[role="img"]');
    expect(await figures.count()).toBeGreaterThan(0);
    const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(ground).toBe(colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(17, 21, 26)");
    for (const heading of await page.locator("h2").all()) {
      expect(await heading.isVisible()).toBe(true);
    }
    expect(amiss).toEqual([]);
    await close();
  });

  // Names from outside change no colour: once is enough for them.
  const looked = NAMES.filter((name) => colorScheme === "light" || !name.startsWith("hostile"));
  test.each(looked)("axe finds nothing in %s", async (name) => {
    const { page, close } = await open(browser, url(name), { colorScheme });
    // What is folded is looked at too.
    await unfold(page);
    expect(await violations(page, colorScheme === "light" ? ALL_RULES : COLOUR_RULES)).toEqual([]);
    await close();
  });
});

const ALL_RULES: axe.RunOptions = {};
/** All that a theme has a part in. */
const COLOUR_RULES: axe.RunOptions = { runOnly: ["cat.color"] };

/** Each as rule, how many elements, and the first of them. */
async function violations(page: Page, rules: axe.RunOptions): Promise<string[]> {
  await page.evaluate(axe.source);
  const run = `axe.run(document, ${JSON.stringify(rules)})`;
  const found = (await page.evaluate(run)) as axe.AxeResults;
  return found.violations.map(
    ({ id, nodes, help }) => `${id} (${help}), ${nodes.length}: ${nodes[0]?.html.slice(0, 200)}`,
  );
}

test("axe would find an image without a name, and words that cannot be told from the ground", async () => {
  const broken = PAGES.explanation.replace(
    "<main>",
    '<main><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><p class="pale">pale</p>',
  );
  const { page, close } = await open(browser, files.put("broken", broken), { bypassCSP: true });
  await page.addStyleTag({ content: ".pale { color: #fefefe; background: #fff }" });
  expect((await violations(page, ALL_RULES)).join()).toContain("image-alt");
  expect((await violations(page, COLOUR_RULES)).join()).toMatch(/^color-contrast/);
  await close();
});

describe("with the script", () => {
  test("a mark says what it is when it is pointed at, and Escape ends it", async () => {
    const { page, close } = await open(browser, url("run"));
    const mark = page.locator("#latency svg g:has(> title)").first();
    await mark.scrollIntoViewIfNeeded();
    const says = await mark.locator("> title").textContent();
    const box = await mark.locator("path, circle").last().boundingBox();
    await page.mouse.move((box?.x ?? 0) + 2, (box?.y ?? 0) + (box?.height ?? 0) / 2);
    const tip = page.locator(".tip");
    expect(await tip.textContent()).toBe(says);
    expect(await tip.textContent()).toMatch(/p10 .*p90/);
    expect(await tip.isVisible()).toBe(true);
    await page.keyboard.press("Escape");
    expect(await tip.isVisible()).toBe(false);
    await close();
  });

  test("a filter leaves the rows that have all its words, and says how many", async () => {
    const { page, close } = await open(browser, files.put("many", renderHtml(largeRun(20))));
    const filter = page.locator("#answer .filter").first();
    const rows = page.locator("#answer table").first().locator("tbody tr");
    const all = await rows.count();
    await filter.locator("input").fill("FLOOD  balance");
    const left = await rows.filter({ visible: true }).allTextContents();
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(all);
    for (const text of left) expect(text).toMatch(/flood.*balance/s);
    expect(await filter.locator("[role=status]").textContent()).toBe(
      `${left.length} of ${all} rows`,
    );
    await filter.locator("input").fill("");
    expect(await rows.filter({ visible: true }).count()).toBe(all);
    await close();
  });

  test("a command is copied as it is", async () => {
    const { page, close } = await open(browser, url("explanation"), {
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const button = page.locator(".copy button").first();
    await button.click();
    // The clipboard takes it when it likes.
    await expect.poll(() => button.textContent(), { interval: 20 }).toBe("Copied");
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      await page.locator("pre.command").first().textContent(),
    );
    await close();
  });

  test("a link opens what its evidence is folded in", async () => {
    const { page, close } = await open(browser, url("run"));
    const last = page.locator("#rounds details").last();
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = false");
    const id = await last.getAttribute("id");
    await page.locator(`a[href="#${id}"]`).first().click();
    await expect.poll(() => last.getAttribute("open")).not.toBeNull();
    await close();
  });
});

test.each(NAMES)("without scripts %s says the same", async (name) => {
  const plain = await open(browser, url(name), { javaScriptEnabled: false });
  const scripted = await open(browser, url(name));
  // What the script adds is no part of what the page says.
  await scripted.page.evaluate(
    "for (const one of document.querySelectorAll('.tip, .filter, .copy button')) one.remove()",
  );
  const text = async ({ page }: typeof plain) =>
    // biome-ignore lint/performance/useDomNodeTextContent: what is not drawn does not count
    (await page.locator("body").innerText()).replaceAll(/\s+/g, " ");
  expect(await text(plain)).toBe(await text(scripted));
  expect(await plain.page.locator('svg[role="img"]:visible').count()).toBeGreaterThan(0);
  await plain.close();
  await scripted.close();
});

/** But for the titles, which are taken over when they are pointed at. */
const ELEMENTS = "document.querySelectorAll(':not(title)').length";

test.each(["hostile run", "hostile comparison", "hostile explanation"] as const)(
  "the names of the %s do nothing, whatever is done to them",
  async (name) => {
    const { page, amiss, close } = await open(browser, url(name));
    const before = await page.evaluate(ELEMENTS);
    await unfold(page);
    await page.evaluate(POINT_AT_ALL);
    for (const filter of await page.locator(".filter input").all())
      await filter.fill("<img src=x>");
    for (const button of await page.locator(".copy button").all()) await button.click();
    expect(await page.evaluate(ELEMENTS)).toBe(before);
    expect(await page.locator("svg :not(svg) > title").count()).toBe(0);
    expect(amiss).toEqual([]);
    await close();
  },
);

test("a script that a name brought in would be stopped by the policy", async () => {
  const broken = PAGES.run.replace(
    "<main>",
    "<main><script>alert(1)</script><img src=x onerror=alert(2)>",
  );
  const { amiss, close } = await open(browser, files.put("injected", broken));
  expect(amiss.filter((text) => text.startsWith("dialog"))).toEqual([]);
  expect(amiss.join()).toMatch(/script-src/);
  await close();
});

/** To be evaluated: cells with text that reach out of what is shown of their table. */
const CUT_OFF = `[...document.querySelectorAll(".scroll")].flatMap((scroll) => {
  const { left, right } = scroll.getBoundingClientRect();
  return [...scroll.querySelectorAll("th, td")].filter((cell) => {
    const box = cell.getBoundingClientRect();
    return cell.textContent.trim() !== "" && (box.right > right + 1 || box.left < left - 1);
  }).map((cell) => scroll.ariaLabel.slice(0, 40) + ": " + cell.textContent.slice(0, 40));
})`;

const sample = (path: string): unknown => JSON.parse(readFileSync(`reports/${path}`, "utf8"));
const WIDE = {
  run: () => PAGES.run,
  comparison: () => PAGES.comparison,
  "comparison in pairs": () =>
    renderComparisonHtml(compareRuns(...pairedRuns({ ratios: [1.06, 1.06] }))),
  "sample run": () => renderHtml(runSchema.parse(sample("sample/run.json"))),
  "sample comparison": () =>
    renderComparisonHtml(compareSchema.parse(sample("sample-kernels/compare.json"))),
};

test.each(Object.entries(WIDE))(
  "no cell of the %s is cut off at 1280 pixels",
  async (name, text) => {
    const address = files.put(`wide-${name}`, text());
    const { page, close } = await open(browser, address, {
      viewport: { width: 1280, height: 900 },
    });
    await unfold(page);
    expect(await page.locator("table").count()).toBeGreaterThan(1);
    expect(await page.evaluate(CUT_OFF)).toEqual([]);
    await close();
  },
);

test.each(["run", "comparison", "explanation"] as const)(
  "%s can be read with the keyboard, and on a narrow screen",
  async (name) => {
    const { page, close } = await open(browser, url(name), {
      viewport: { width: 360, height: 740 },
    });
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.className")).toBe("skip");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("location.hash")).toBe("#answer");
    const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(wide).toBeLessThanOrEqual(0);
    await close();
  },
);

test("on paper everything is unfolded, and nothing is there to be pressed", async () => {
  const { page, close } = await open(browser, url("run"));
  expect((await page.pdf()).length).toBeGreaterThan(10_000);
  await page.emulateMedia({ media: "print" });
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  expect(await page.locator("details:not([open])").count()).toBe(0);
  expect(await page.locator(".filter").first().isVisible()).toBe(false);
  await page.evaluate("dispatchEvent(new Event('afterprint'))");
  expect(await page.locator("details:not([open])").count()).toBeGreaterThan(0);
  await close();
});

const MANY = {
  run: () => renderHtml(largeRun(100)),
  comparison: () =>
    renderComparisonHtml(compareRuns(largeRun(100), { ...largeRun(100), id: "another" })),
};

test.each(Object.entries(MANY))("a %s of 100 cases is under 2 MB and opens", async (name, text) => {
  const made = text();
  const bytes = Buffer.byteLength(made);
  expect(bytes).toBeLessThan(2_000_000);
  const { page, amiss, close } = await open(browser, files.put(`many-${name}`, made));
  const ms = await page.evaluate(
    "performance.timing.loadEventEnd - performance.timing.navigationStart",
  );
  process.stdout.write(
    `a ${name} of 100 cases: ${(bytes / 1e6).toFixed(2)} MB, loaded in ${ms} ms\n`,
  );
  expect(amiss).toEqual([]);
  await close();
});
