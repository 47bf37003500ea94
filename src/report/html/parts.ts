/** What every section is made of: tables, figures, legends, folded blocks. */
import { Html, html } from "./markup.ts";

export interface Heading {
  readonly title: string;
  readonly align?: "right";
}

export interface TableCell {
  readonly value: string | number | Html;
  readonly kind?: "right" | "wide" | "code";
}

/** The first cell of a row is its header. */
export function table(
  caption: string,
  head: readonly Heading[],
  rows: readonly { readonly id?: string; readonly cells: readonly (TableCell | string | Html)[] }[],
): Html {
  const titles = head.map(
    (one) => html`<th scope="col"${classOf(one.align === "right" ? "r" : "")}>${one.title}</th>`,
  );
  const body = rows.map(({ id, cells }) => {
    const inner = cells.map((cell, index) => tableCell(cell, index === 0));
    return html`<tr${id === undefined ? null : html` id="${id}"`}>${inner}</tr>
`;
  });
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${titles}</tr></thead><tbody>
${body}</tbody></table></div>`;
}

export interface FigureOptions {
  /** Unique on the page, and made here: never from outside. */
  readonly id: string;
  readonly title: string;
  /** What the picture says, for those who cannot see it. */
  readonly desc: string;
  readonly width: number;
  readonly height: number;
  readonly body: Html | readonly Html[];
  readonly caption?: Html | string;
  readonly className?: string;
}

export function figure(options: FigureOptions): Html {
  const { id, title, desc, width, height, body, caption, className } = options;
  const foot = caption === undefined ? null : html`<figcaption>${caption}</figcaption>`;
  return html`<figure><div class="plot"><svg role="img"${classOf(className ?? "")} viewBox="0 0 ${width} ${Math.ceil(height)}" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${desc}</desc>
${body}</svg></div>${foot}</figure>
`;
}

/** Marks of a figure that say what they are when they are pointed at. */
export function marked(says: string, marks: Html | readonly Html[]): Html {
  return html`<g><title>${says}</title>${marks}</g>`;
}

export function legend(
  entries: readonly { readonly className: string; readonly text: string }[],
): Html {
  const items = entries.map(
    ({ className, text }) =>
      html`<li><svg viewBox="0 0 14 12" aria-hidden="true"><rect width="14" height="12" rx="2" class="${className}"/></svg>${text}</li>`,
  );
  return html`<ul class="legend">${items}</ul>`;
}

export function fold(options: {
  id?: string;
  summary: Html | string;
  open?: boolean;
  body: Html | Html[];
}): Html {
  const id = options.id === undefined ? null : html` id="${options.id}"`;
  const open = options.open === true ? html` open` : null;
  return html`<details${id}${open}><summary>${options.summary}</summary>
${options.body}</details>
`;
}

/** Facts by name, what is said of each in the fixed font. */
export function pairs(entries: readonly (readonly [string, string])[]): Html {
  return html`<dl class="kv">${entries.map(([name, text]) => html`<dt>${name}</dt><dd>${code(text)}</dd>`)}</dl>`;
}

export function section(id: string, title: string, body: readonly Html[]): Html {
  return html`<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${title}</h2>
${body}</section>
`;
}

export function right(value: string | number | Html): TableCell {
  return { value, kind: "right" };
}

/** A number, and below it the interval that it has. */
export function withInterval(value: string, interval: string): TableCell {
  return right(html`${value}<br><span class="soft">${interval}</span>`);
}

/** A name from outside, in the fixed font. */
export function code(text: string): Html {
  return html`<code>${text}</code>`;
}

/** To be typed: on lines of its own, and whole. */
export function command(text: string): Html {
  return html`<pre class="command">${text}</pre>`;
}

function tableCell(cell: TableCell | string | Html, first: boolean): Html {
  const { value, kind } =
    typeof cell === "string" || cell instanceof Html ? { value: cell, kind: undefined } : cell;
  const name = kind === "right" ? "r" : kind === "wide" ? "w" : kind === "code" ? "m" : "";
  return first
    ? html`<th scope="row"${classOf(name)}>${value}</th>`
    : html`<td${classOf(name)}>${value}</td>`;
}

function classOf(name: string): Html | null {
  return name === "" ? null : html` class="${name}"`;
}
