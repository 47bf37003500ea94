/** The document itself inside the page, without a script: to read where it is small, to save always. */
import { gzipSync } from "node:zlib";
import { bytes } from "../../text/units.ts";
import { renderJson } from "../exports/json.ts";
import { type Html, html, lines } from "./markup.ts";
import { fold, section } from "./parts.ts";

const READABLE = 150_000;

const WORDS = {
  run: { words: "run document", what: "every sample and bucket" },
  compare: { words: "comparison document", what: "every difference and verdict" },
  explain: { words: "explanation", what: "every flood and port" },
} as const;

export type DocumentName = keyof typeof WORDS;

/** `name` is its file without `.json`; `room` is what the page can still take, in bytes. */
export function documentSection(document: object, name: DocumentName, room: number): Html {
  const { words, what } = WORDS[name];
  const text = renderJson(document);
  // Buckets on lines of their own take twice the room even when packed.
  const dense = JSON.stringify(document);
  const packed = gzipSync(dense, { level: 9 }).toString("base64");
  const link =
    packed.length <= room
      ? html`<p><a download="${name}.json.gz" href="data:application/gzip;base64,${packed}">Save the ${words} (${name}.json.gz)</a>: ${bytes(dense.length)} of JSON, ${what} of it. It is all this page was made from.</p>`
      : html`<p>The ${words} is ${bytes(text.length)} of JSON, too large for this page: it is ${name}.json, beside this file.</p>`;
  const reading =
    text.length <= Math.min(READABLE, room - packed.length)
      ? fold({
          summary: "Read it here",
          body: html`<pre class="raw" tabindex="0" aria-label="${words}">${lines(text)}</pre>`,
        })
      : html``;
  return section("document", `The ${words}`, [link, reading]);
}
