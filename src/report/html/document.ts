/** The document itself inside the page, without a script: to read where it is small, to save always. */
import { gzipSync } from "node:zlib";
import type { Run } from "../../document/run.ts";
import { renderJson } from "../json.ts";
import { bytes } from "../text/units.ts";
import { type Html, html, lines } from "./markup.ts";
import { fold, section } from "./parts.ts";

const READABLE = 150_000;

/** `room` is what the page can still take, in bytes. */
export function documentSection(run: Run, room: number): Html {
  const text = renderJson(run);
  const packed = gzipSync(text, { level: 9 }).toString("base64");
  const link =
    packed.length <= room
      ? html`<p><a download="run.json.gz" href="data:application/gzip;base64,${packed}">Save the run document (run.json.gz)</a>: ${bytes(text.length)} of JSON, every sample and bucket of it. It is all this page was made from.</p>`
      : html`<p>The run document is ${bytes(text.length)} of JSON, too large for this page: it is run.json, beside this file.</p>`;
  const reading =
    text.length <= Math.min(READABLE, room - packed.length)
      ? fold({ summary: "Read it here", body: html`<pre class="raw">${lines(text)}</pre>` })
      : html``;
  return section("document", "The run document", [link, reading]);
}
