/** Closure and drops: whether every frame is accounted for. */
import type { Case, PortAccount, Run } from "../../document/run.ts";
import { count, plural, signed } from "../../text/units.ts";
import { booksOf } from "../facts/books.ts";
import type { Detail } from "./detail.ts";
import { type Html, html } from "./markup.ts";
import { code, fold, right, section, table } from "./parts.ts";

const LISTED = 40;

export function booksSection(run: Run, detail: Detail): Html {
  return section("books", "Closure and drops", [
    html`<p>For each port: <em>ingress = rx</em> and <em>copies + originated = tx + txDropped</em>, probes against the interface's own counters, over the same quiet-to-quiet window.</p>`,
    summary(run),
    dropTable(run),
    ...run.cases.flatMap((item) => ports(item, detail.books)),
  ]);
}

function summary(run: Run): Html {
  return table(
    "Books by case",
    [{ title: "Case" }, { title: "Unaccounted", align: "right" }, { title: "Books" }],
    run.cases.map((item, index) => {
      const books = booksOf(item);
      const tone =
        books.state === "unbalanced" ? "alarm" : books.state === "notObserved" ? "soft" : "good";
      const text =
        books.state === "unbalanced" ? html`<strong>${books.text}</strong>` : html`${books.text}`;
      return {
        id: `books-${index}`,
        cells: [
          code(item.id),
          right(item.bridge === undefined ? "-" : count(item.bridge.unaccounted)),
          { value: html`<span class="${tone}">${text}</span>`, kind: "wide" as const },
        ],
      };
    }),
  );
}

function dropTable(run: Run): Html {
  const rows = run.cases.flatMap((item) =>
    (item.bridge?.drops ?? [])
      .toSorted((a, b) => b.count - a.count)
      .map((drop) => ({
        cells: [code(item.id), right(count(drop.count)), code(drop.reason), code(drop.where)],
      })),
  );
  if (rows.length === 0) return html`<p>No drop was seen.</p>`;
  return table(
    "Dropped frames, by the kernel's reason and place",
    [
      { title: "Case" },
      { title: "Frames", align: "right" },
      { title: "Reason" },
      { title: "Where" },
    ],
    rows,
  );
}

function ports(item: Case, most: number): Html[] {
  // Those that do not balance come first, however many there are.
  const residue = (port: PortAccount) =>
    port.closure.unit === "notComparable"
      ? 0
      : Math.abs(port.closure.ingress) + Math.abs(port.closure.egress);
  const open = item.ports.filter((port) => residue(port) > 0).length;
  const shown = item.ports
    .toSorted((a, b) => residue(b) - residue(a))
    .slice(0, Math.max(most, Math.min(open, LISTED)));
  if (shown.length === 0) return [];
  const left = item.ports.length - shown.length;
  const head = [
    "ingress",
    "rx",
    "residue in",
    "egress",
    "of it originated",
    "tx",
    "txDropped",
    "residue out",
  ];
  const list = table(
    `Ports of ${item.id}`,
    [
      { title: "Port" },
      ...head.map((title) => ({ title, align: "right" as const })),
      { title: "Compared in" },
    ],
    shown.map(({ name, ingress, egress, originated, counters, closure }) => ({
      cells: [
        code(name),
        right(count(ingress)),
        right(count(counters.rx)),
        right(signed(closure.ingress)),
        right(count(egress)),
        right(count(originated)),
        right(count(counters.tx)),
        right(count(counters.txDropped)),
        right(signed(closure.egress)),
        closure.unit === "notComparable"
          ? `not comparable: ${closure.reason ?? "no reason given"}`
          : closure.unit,
      ],
    })),
  );
  const more =
    left > 0 ? html`<p class="soft">${plural(left, "more port")} in the document.</p>` : html``;
  return [fold({ summary: html`Books by port in ${code(item.id)}`, body: [list, more] })];
}
