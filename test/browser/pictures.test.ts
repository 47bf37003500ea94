/**
 * Figures as they were agreed on, in both themes. Text is left out, since fonts differ from machine to machine.
 * BRIDGESCOPE_UPDATE_PICTURES=1 takes them anew, to be looked at before they are committed.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pixelmatch from "pixelmatch";
import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { open, startBrowser } from "./chromium.ts";
import { PAGES, pageFiles } from "./pages.ts";

const FOLDER = "test/fixtures/report/pictures";
/** Chromium's releases differ in how they smooth an edge. */
const MOST_DIFFERENT = 0.005;

const FIGURES = [
  ["run", "labfig-2"],
  ["run", "p-1-ns"],
  ["run", "way-2"],
  ["run", "dist-2-ns"],
  ["run", "decisions-all"],
  ["run", "strip-2-0"],
  ["run", "slope-0"],
  ["run", "slowdown"],
  ["comparison", "forest-0-counted"],
  ["explanation", "bridgefig"],
  ["explanation", "victims-0"],
] as const;

const files = pageFiles();
let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  files.remove();
});

describe.each(["light", "dark"] as const)("in the %s theme", (colorScheme) => {
  const pages = new Map<keyof typeof PAGES, Promise<Figures>>();
  const figuresOf = (page: keyof typeof PAGES): Promise<Figures> => {
    const opened = pages.get(page) ?? openFigures(page, colorScheme);
    pages.set(page, opened);
    return opened;
  };
  afterAll(async () => {
    for (const opened of pages.values()) await (await opened).close();
  });

  test.each(FIGURES)("%s: %s", async (page, id) => {
    const picture = await (await figuresOf(page)).drawn(id);
    const path = join(FOLDER, `${page}-${id}-${colorScheme}.png`);
    if (process.env.BRIDGESCOPE_UPDATE_PICTURES === "1") {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(path, picture);
    }
    expect(existsSync(path), `${path} is missing`).toBe(true);
    expect(difference(picture, readFileSync(path))).toBeLessThan(MOST_DIFFERENT);
  });
});

test("a picture of another figure, or of the other theme, is told from it", async () => {
  const [light, dark] = await Promise.all([
    openFigures("explanation", "light"),
    openFigures("explanation", "dark"),
  ]);
  const one = await light.drawn("victims-0");
  expect(difference(one, await light.drawn("bridgefig"))).toBe(1);
  expect(difference(one, await dark.drawn("victims-0"))).toBeGreaterThan(0.1);
  expect(difference(one, await light.drawn("victims-0"))).toBe(0);
  await light.close();
  await dark.close();
});

interface Figures {
  drawn(id: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** A page of which one figure after the other is drawn alone: where it stands depends on no text above it. */
async function openFigures(
  name: keyof typeof PAGES,
  colorScheme: "light" | "dark",
): Promise<Figures> {
  const url = files.put(name, PAGES[name]);
  const { page, close } = await open(browser, url, { colorScheme, bypassCSP: true });
  await page.addStyleTag({ content: "svg text{visibility:hidden}" });
  await page.evaluate("window.whole = document.createDocumentFragment()");
  await page.evaluate("whole.append(...document.body.childNodes)");
  return {
    drawn: async (id) => {
      await page.evaluate(
        `document.body.replaceChildren(whole.querySelector('${at(id)}').cloneNode(true))`,
      );
      return page.locator(at(id)).screenshot();
    },
    close,
  };
}

function at(id: string): string {
  return `svg[aria-labelledby^="${id}-t "]`;
}

/** Share of the pixels; 1 where they are not of one size. */
function difference(one: Buffer, other: Buffer): number {
  const [a, b] = [PNG.sync.read(one), PNG.sync.read(other)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  return pixelmatch(a.data, b.data, undefined, a.width, a.height) / (a.width * a.height);
}
