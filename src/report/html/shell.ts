/** What every page is: one file, nothing fetched, and no script but our own, named by its checksum. */
import { createHash } from "node:crypto";
import type { Method } from "../facts/words.ts";
import { LARGEST_PAGE } from "./detail.ts";
import { type DocumentName, documentSection } from "./document.ts";
import { Html, html } from "./markup.ts";
import { code, section } from "./parts.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

export interface Page {
  readonly title: string;
  readonly header: Html;
  /** Id and words of each section. */
  readonly nav: readonly (readonly [string, string])[];
  readonly body: Html;
  /** What it was made from, which goes into it where there is room. */
  readonly document: { readonly name: DocumentName; readonly value: object };
  /** The same in words, and by which version. */
  readonly origin: string;
}

/** Characters of a page whose sections are laid out only when they are come to. */
const LONG = 1_000_000;

/** Bytes around the sections. */
const FRAME = 16_000;

export function pageText({ title, header, nav, body: sections, document, origin }: Page): string {
  const room = LARGEST_PAGE - FRAME - sizeOf(sections);
  const body = html`${sections}${documentSection(document.value, document.name, room)}`;
  const long = body.text.length > LONG ? html` class="long"` : null;
  return html`<!DOCTYPE html>
<html lang="en">
${head(title)}
<body>
<a class="skip" href="#answer">To the answer</a>
${header}
<nav aria-label="Contents"><ul>${nav.map(([id, words]) => html`<li><a href="#${id}">${words}</a></li>`)}</ul></nav>
<main${long}>
${body}</main>
<footer><p>Made by ${origin}. Colours are the Okabe-Ito palette, which colour-blind readers can tell apart; words and numbers say the same as every colour.</p></footer>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`.text;
}

export function sizeOf(part: Html): number {
  return new TextEncoder().encode(part.text).length;
}

export function methodSection(methods: readonly Method[]): Html {
  const items = methods.map(({ term, text }) => html`<dt>${term}</dt><dd>${prose(text)}</dd>`);
  return section("method", "How each number is made", [html`<dl>${items}</dl>`]);
}

function head(title: string): Html {
  const policy = `default-src 'none'; style-src ${hash(STYLE)}; script-src ${hash(SCRIPT)}; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>`;
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** Our own words, where backticks mark code. */
function prose(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 1 ? code(part) : html`${part}`))}`;
}
