/** The distribution's Chromium, and a page of it that keeps account of all that must not happen. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const EXECUTABLE = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

export function startBrowser(): Promise<Browser> {
  // Everything here is root's, and Chromium's sandbox is not for root.
  const args = ["--no-sandbox", "--font-render-hinting=none"];
  return chromium.launch({ executablePath: EXECUTABLE ?? "chromium", args });
}

export interface Watched {
  readonly page: Page;
  /** Errors on the console, exceptions, dialogs, and requests for anything but the page itself. */
  readonly amiss: string[];
  close(): Promise<void>;
}

export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: 1180, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  const amiss: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) amiss.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => amiss.push(`exception: ${error.message}`));
  page.on("dialog", (dialog) => {
    amiss.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (request.url() !== url) amiss.push(`request: ${request.url().slice(0, 200)}`);
  });
  await page.goto(url);
  return { page, amiss, close: () => context.close() };
}

/** Shows all that is folded. */
export async function unfold(page: Page): Promise<void> {
  await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
}

/** To be evaluated: the pointer comes to everything that has something to say to it. */
export const POINT_AT_ALL = `for (const title of document.querySelectorAll("svg :not(svg) > title"))
  title.parentElement.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }))`;
