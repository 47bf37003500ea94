/** A run under other people's probes says so before it says anything else. */
import { describe, expect, test } from "vitest";
import { type ForeignProbe, foreignText } from "../../../src/document/foreign.ts";
import type { Run } from "../../../src/document/run.ts";
import { COMPARISON_FORMATS } from "../../../src/report/comparison.ts";
import { formatNamed } from "../../../src/report/formats.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

const probe = (
  id: number | null,
  where: string,
  more: Partial<ForeignProbe> = {},
): ForeignProbe => ({
  ...{ id, name: `on_${id}`, type: "tracepoint", where, pid: 4711, process: "bpftrace" },
  ...{ container: null, ...more },
});

function under(...probes: ForeignProbe[]): Run {
  const run = completeRun();
  run.environment.foreignProbes = probes;
  for (const item of run.cases) item.foreignProbes = probes;
  return run;
}

const RX = probe(7, "net:netif_rx");
const SAID = "Measured under foreign probes: bpftrace (pid 4711): on_7 on net:netif_rx";

test.each(["terminal", "commit"])("the first line of %s names program, holder and pid", (name) => {
  const text = formatNamed(name)?.render(under(RX)) ?? "";
  expect(text.split("\nbridgescope run")[0]?.replace(/\n +/g, " ")).toBe(SAID);
  // Once above the title, and beside each number.
  const [head = "", ...below] = text.split("Results:");
  expect(head.match(/foreign probes/g)).toHaveLength(1);
  expect(below.join("")).toMatch(/! foreign probes/);
});

test("so does that of markdown, and the page before its title", () => {
  const markdown = formatNamed("markdown")?.render(under(RX)) ?? "";
  expect(markdown.split("\n")[0]?.replaceAll("\\", "")).toBe(`**${SAID}**`);
  const html = formatNamed("html")?.render(under(RX)) ?? "";
  expect(html.indexOf(SAID)).toBeGreaterThan(0);
  expect(html.indexOf(SAID)).toBeLessThan(html.indexOf("<h1>"));
  expect(html).not.toContain("Sound.");
});

test("a run without any says nothing of them, also where nobody could look", () => {
  for (const run of [completeRun(), under()]) {
    for (const name of ["terminal", "markdown", "html", "commit"]) {
      expect(formatNamed(name)?.render(run)).not.toContain("foreign probes");
    }
  }
});

test("which cases it is about is said where not all are", () => {
  const some = under(RX);
  const [first, ...others] = some.cases;
  for (const one of others) delete one.foreignProbes;
  expect(formatNamed("terminal")?.render(some)).toContain(
    "foreign probes (1 of 6 cases): bpftrace",
  );
  if (first !== undefined) delete first.foreignProbes;
  const text = formatNamed("terminal")?.render(some).replace(/\n +/g, " ");
  expect(text).toContain("foreign probes (which were there in no round that counts): bpftrace");
});

describe("what holds a probe", () => {
  test("is named once, with two of its places", () => {
    const places = ["net:netif_rx", "net:net_dev_queue", "skb:kfree_skb", "skb:consume_skb"];
    expect(foreignText(places.map((where) => probe(7, where)))).toBe(
      "bpftrace (pid 4711): on_7 on net:netif_rx, on_7 on net:net_dev_queue and 2 more",
    );
  });

  test("may be a container's, ftrace, or nobody that is seen", () => {
    const container = "ab".repeat(32);
    const nobody = { pid: null, process: null };
    expect(
      foreignText([
        probe(7, "net:netif_rx", { container }),
        probe(8, "br_flood", nobody),
        probe(null, "net:netif_rx (tracefs instance x)", { ...nobody, name: "ftrace" }),
      ]),
    ).toBe(
      "bpftrace (pid 4711, container abababababab): on_7 on net:netif_rx; no process that is seen: on_8 on br_flood; ftrace: ftrace on net:netif_rx (tracefs instance x)",
    );
  });

  test("may call itself anything", () => {
    const run = under(probe(7, "net:netif_rx", { process: "</p><b>\x1b[31m|*x*" }));
    for (const name of ["terminal", "markdown", "html", "commit"]) {
      const text = formatNamed(name)?.render(run) ?? "";
      expect(text).not.toContain("\x1b");
      if (name === "html" || name === "markdown") expect(text).not.toContain("<b>");
    }
  });
});

describe("a comparison", () => {
  const lines = (base: Run, candidate: Run) => {
    const comparison = compareRuns(base, { ...candidate, id: "other" });
    return COMPARISON_FORMATS.filter(({ name }) => name !== "json").map(({ name, render }) => ({
      name,
      text: render(comparison).replace(/\n +/g, " "),
      comparison,
    }));
  };

  test("says that one side ran under foreign probes and the other did not", () => {
    for (const { text, comparison } of lines(under(), under(RX))) {
      expect(text.replaceAll("\\", "")).toContain(
        "other was measured under foreign probes: bpftrace",
      );
      expect(comparison.environment.differences).toContainEqual({
        ...{ candidate: "other", group: "foreign", name: "probes on a frame's way" },
        ...{ baseValue: "none", candidateValue: "bpftrace on net:netif_rx" },
      });
      expect(comparison.warnings[0]).toContain("other was measured under other people's probes");
    }
  });

  test("of two sides under the same ones says so once, and finds no difference", () => {
    for (const { name, text, comparison } of lines(under(RX), under(RX))) {
      if (name !== "html")
        expect(text.replaceAll("\\", "").replace(/^\**/, "")).toMatch(/^Measured under/);
      expect(text).toContain("Measured under foreign probes: bpftrace");
      expect(comparison.environment.differences.filter(({ group }) => group === "foreign")).toEqual(
        [],
      );
    }
  });
});
