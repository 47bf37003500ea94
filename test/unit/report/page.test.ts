import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { renderHtml } from "../../../src/report/html/page.ts";
import { SCRIPT } from "../../../src/report/html/script.ts";
import { brokenRun, completeRun } from "../../fixtures/report/runs.ts";
import { withoutPacked, withoutScript } from "./markup.ts";

const page = renderHtml(completeRun());

test("nothing is fetched, and nothing runs but the script of the page", () => {
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  const code = createHash("sha256").update(SCRIPT).digest("base64");
  expect(page).toContain(
    `default-src 'none'; style-src 'sha256-${hash}'; script-src 'sha256-${code}'; img-src data:`,
  );
  expect(withoutScript(page)).not.toMatch(/<(script|link|iframe|object|embed|img|base|form)\b/);
  expect(page).not.toMatch(/https?:|@import|url\(/);
});

test("sections come in the order of the questions", () => {
  const order = [...page.matchAll(/<section id="([a-z-]+)"/g)].map(([, id]) => id);
  expect(order).toEqual([
    "answer",
    "lab",
    "slopes",
    "latency",
    "round-trip",
    "decisions",
    "books",
    "rounds",
    "checks",
    "environment",
    "probe",
    "method",
    "document",
  ]);
});

test("a run without round trips has no section for them, and no link to it", () => {
  expect(renderHtml(brokenRun())).not.toContain("#round-trip");
});

test("a chain is drawn as its pairs, each once, with the bridges that they join", () => {
  const run = completeRun();
  const item = run.cases.find(({ lab }) => lab.bridge !== null) ?? expect.fail("fixture");
  const [port] = item.lab.ports;
  if (port === undefined || item.lab.bridge === null) throw new Error("fixture");
  const end = (name: string, ifindex: number, bridge: string, other: string, peer: number) => ({
    ...{ ...port, name, ifindex, bridge, namespace: "sw" },
    peer: { name: other, ifindex: peer, namespace: "sw", address: "02:00:00:40:00:02" },
  });
  item.lab.bridge.inSeries = 2;
  item.lab.ports = [
    { ...port, name: "p1", ifindex: 3, bridge: "br0", namespace: "sw" },
    end("prev1", 5, "br1", "next0", 6),
    end("next0", 6, "br0", "prev1", 5),
  ];
  const [, figure = ""] =
    new RegExp(`Lab of ${item.id}</title>(.*?)</svg>`, "s").exec(
      renderHtml({ ...run, cases: [item] }),
    ) ?? [];
  expect([...figure.matchAll(/class="m"[^>]*>([^<]+)</g)].map(([, text]) => text)).toEqual([
    ...["br0 in sw", port.peer?.namespace],
    ...["br0 in sw", "br1 in sw"],
  ]);
});

describe("for those who cannot see it", () => {
  test("every figure has a title and says what it shows", () => {
    const figures = [...page.matchAll(/<svg role="img"[^>]*aria-labelledby="(\S+) (\S+)"/g)];
    expect(figures.length).toBeGreaterThan(20);
    for (const [, title, desc] of figures) {
      expect(page).toMatch(new RegExp(`<title id="${title}">[^<]+</title>`));
      expect(page).toMatch(new RegExp(`<desc id="${desc}">[^<]+</desc>`));
    }
    expect(page.match(/<svg(?! role="img")(?![^>]*aria-hidden)/g)).toBeNull();
  });

  test("tables have captions and header cells, the page has landmarks", () => {
    expect(page.match(/<table>/g)?.length).toBe(page.match(/<table><caption>/g)?.length);
    for (const part of ["<header", "<nav aria-label", "<main", "<footer", 'lang="en"']) {
      expect(page).toContain(part);
    }
    expect(page).toContain('<th scope="col"');
    expect(page).toContain('<th scope="row"');
  });
});

test("no coordinate is missing", () => {
  expect(withoutPacked(page)).not.toMatch(/NaN|undefined|Infinity|\[object/);
});

test("ports beyond those drawn are summed up", () => {
  expect(page).toContain("992 more ports");
  expect(page).toContain("9.52M out");
});
