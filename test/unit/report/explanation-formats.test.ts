import { describe, expect, test } from "vitest";
import { type Explanation, explainSchema, type Finding } from "../../../src/document/explain.ts";
import { EXPLANATION_FORMATS, renderExplanation } from "../../../src/report/explanation.ts";
import {
  floodingExplanation,
  journeyExplanation,
  losingExplanation,
} from "../../fixtures/report/explanations.ts";
import { HOSTILE } from "../../fixtures/report/runs.ts";
import {
  attributesOf,
  misnamed,
  obeyed,
  packedIn,
  tags,
  unclosed,
  withoutScript,
} from "./markup.ts";

const explanation = floodingExplanation();
const all = HOSTILE.join(" ");
const hostile = floodingExplanation((text) => `${text} ${all}`);
const hostileLoss = losingExplanation((text) => `${text} ${all}`);
const hostileJourney = journeyExplanation((text) => `${text} ${all}`);
const TOLD = [
  "2 floods above threshold in 10.0 s, 49.6 k copies/s",
  "destination-gone",
  "broadcast-storm",
  "container web-1",
  "before attach",
  "ip neigh del 10.0.0.9 dev eth0",
  "none where the host is gone",
  "learning-off",
  "No command is proposed: state disabled of veth2 is in force already.",
];

describe.each(EXPLANATION_FORMATS.map(({ name }) => name))("%s", (format) => {
  test("holds no character that a terminal obeys", () => {
    expect(obeyed(renderExplanation(format, hostile))).toBeNull();
    expect(obeyed(renderExplanation(format, hostileLoss))).toBeNull();
    expect(obeyed(renderExplanation(format, hostileJourney))).toBeNull();
  });
});

test.each(["html", "markdown", "terminal"])("%s says all that matters", (format) => {
  const text = renderExplanation(format, explanation)
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/\s+/g, " ");
  expect(TOLD.filter((words) => !text.includes(words))).toEqual([]);
});

test.each(["html", "markdown", "terminal"])("%s says what was seen", (format) => {
  const [flood, other] = explanation.findings;
  const moving = { ...flood, cause: "mac-flapping", copies: 0, copiesPerSecond: 0 } as Finding;
  const said = (over: Partial<Explanation>) => {
    const text = renderExplanation(format, { ...explanation, ...over });
    return text.replaceAll(/<[^>]*>/g, "").replaceAll(/\s+/g, " ");
  };
  expect(said({ findings: [] })).toMatch(
    /nothing above threshold in 10.0 s; 130,000 frames came in/i,
  );
  expect(said({ findings: [moving] })).toMatch(
    /one moving address above threshold in 10.0 s(?!,)/i,
  );
  expect(said({ findings: [other as Finding, moving, moving] })).toMatch(
    /one flood and 2 moving addresses above threshold in 10.0 s, 1.60 k copies\/s/i,
  );
  expect(said({ ended: "overhead" })).toContain(
    "in 10.0 s (it ended early: see the first note), 49",
  );
});

test.each(["html", "markdown", "terminal"])("%s has a loss of several sources", (format) => {
  const [one] = explanation.findings;
  const loss = { ...one, kind: "loss", source: null, destination: null, lost: 40 } as Finding;
  const text = renderExplanation(format, { ...explanation, findings: [loss] });
  const said = text.replaceAll(/<[^>]*>/g, "").replaceAll(/\s+/g, " ");
  expect(said).toContain("several sources to several addresses");
  expect(said).not.toContain("null to");
});

test.each(["html", "markdown", "terminal"])("%s has an address that moves in moves", (format) => {
  const [flood] = explanation.findings;
  const moves = { frames: 40, framesPerSecond: 5.25, copies: 0, destination: null };
  const moving = { ...flood, ...moves, cause: "mac-flapping" } as Finding;
  const text = renderExplanation(format, { ...explanation, findings: [moving] });
  const said = text.replaceAll(/<[^>]*>/g, "").replaceAll(/\s+/g, " ");
  expect(said).toContain("40 moves (5.25 moves/s)");
  expect(said).not.toContain("to several addresses");
});

describe.each(["html", "markdown", "terminal"])("%s tells a loss", (format) => {
  const losing = losingExplanation();
  const [loss, policy] = losing.findings as [Finding, Finding];
  const [flood] = explanation.findings as [Finding];
  const said = (over: Partial<Explanation> = {}) =>
    renderExplanation(format, { ...losing, ...over })
      .replaceAll(/<[^>]*>/g, "")
      .replaceAll(/\s+/g, " ");

  test("with what was lost of how much, by whom, and where", () => {
    const text = said();
    const told = [
      "68 of 68 frames lost, and one policy drops 12 frames",
      "netfilter",
      "high loss",
      "web",
      "container db",
      "dropped by nf_hook_slow (NETFILTER_DROP) at veth2",
      "bridge-nf-call-iptables=0",
      "isolated",
      "12 of 20 frames lost",
      "2 frames lost (at most 8 frames/s)",
    ];
    expect(text).toMatch(/one loss above threshold in 10\.0 s/i);
    expect(told.filter((words) => !text.includes(words))).toEqual([]);
    expect(text).not.toContain("copies/s)");
  });

  test("and what a policy drops is nothing above threshold", () => {
    const text = said({ findings: [policy, policy] });
    expect(text).toMatch(
      /nothing above threshold in 10\.0 s, and 2 policies drop 24 frames; 130,000 frames came in/i,
    );
  });

  test("beside floods, and of several the frames that were lost alone", () => {
    expect(said({ findings: [flood, loss] })).toMatch(
      /one flood and one loss above threshold in 10\.0 s, 48 k copies\/s, 68 of 68 frames lost/i,
    );
    const moving = { ...flood, cause: "mac-flapping", copies: 0, copiesPerSecond: 0 } as Finding;
    expect(said({ findings: [flood, moving, loss, loss] })).toMatch(
      /one flood, one moving address and 2 losses above threshold in 10\.0 s, 48 k copies\/s, 136 frames lost/i,
    );
  });

  test("of copies as of copies", () => {
    const copies = { ...loss, frames: 10, copies: 300, lost: 30 };
    const text = said({ findings: [copies] });
    expect(text).toContain("30 of 300 copies lost");
    expect(text).toContain("10 frames came in");
  });
});

describe.each(["html", "markdown", "terminal"])("%s tells a flow's journey", (format) => {
  const said = (over: Partial<Explanation> = {}) =>
    renderExplanation(format, { ...journeyExplanation(), ...over })
      .replace(/<section id="document".*/s, "")
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\\(?=[().])/g, "")
      .replaceAll(/\s+/g, " ");

  test("hop by hop, with its rules, what was lost, and why", () => {
    const text = said();
    const told = [
      "0 of 68 echo requests reached eth0 (db)",
      "over br0 (host), in 10.0 s; sent: 68 packets transmitted",
      "10.77.0.1 → 10.77.0.2",
      "sent by eth0 (web)",
      "in by veth1",
      "out by veth2",
      "reached eth0 (web)",
      "4.20 µs",
      "9 µs",
      "2 questions who has 10.77.0.2, 2 reached it, 1 answer came back; its FDB has 02:00:00:00:00:09 at veth2 (learned); bridged frames pass iptables",
      "the rule of handle 7 of the chain FORWARD in the table ip filter (tcp dport 80 drop) says drop of 20 marked frames from 10.77.0.1",
      "the FORWARD policy of ip filter is drop",
      "bridge-nf-call-iptables=0",
      "198.18.1.2",
      "drops came late",
    ];
    expect(told.filter((words) => !text.includes(words))).toEqual([]);
    expect(text).not.toMatch(/which flooded frames|below the thresholds|nobody sent there/i);
  });

  test("and of one that came says nothing of losses", () => {
    expect(said({ findings: [] })).not.toMatch(/what was lost|above threshold|fix:/i);
  });
});

test("a document from before losses were judged is read as it was, and speaks of none", () => {
  const { thresholds, findings, ...rest } = floodingExplanation();
  const { lost: _, lostPerSecond: __, ...old } = thresholds;
  const without = findings.map(({ lost: _lost, where: _where, reason: _reason, ...one }) => one);
  const read = explainSchema.parse({ ...rest, thresholds: old, findings: without });
  expect(read.findings).toMatchObject([
    { lost: 0, where: null, reason: null },
    { lost: 0, where: null, reason: null },
  ]);
  expect(renderExplanation("terminal", read)).not.toContain("loss");
  expect(renderExplanation("terminal", losingExplanation())).toContain("losses 5 at 1/s");
});

test("the terminal tells a cause and its remedy once", () => {
  const [flood] = explanation.findings;
  const again = { ...flood, source: "02:00:00:00:00:77" } as Finding;
  const text = renderExplanation("terminal", {
    ...explanation,
    findings: [flood as Finding, again],
  });
  const said = text.replaceAll(/\s+/g, " ");
  expect(said).toContain(`2. ${flood?.cause}, ${flood?.severity}: the same as 1`);
  expect(said).toContain("Fix: that of 1");
  expect(said.split(flood?.remedy?.undo ?? "").length - 1).toBe(1);
});

test.each(["html", "markdown"])("%s of an explanation without probes judges nothing", (format) => {
  const state = { ...explanation, probes: false, findings: [], overhead: null };
  const text = renderExplanation(format, state);
  expect(text).toContain("No frame was looked at");
  expect(text).not.toContain("above threshold in");
});

test.each([hostile, hostileLoss, hostileJourney])(
  "the page is whole, and nothing in it is from outside",
  (told) => {
    const page = withoutScript(renderExplanation("html", told));
    expect(unclosed(page)).toEqual([]);
    expect(page).not.toMatch(/<(script|link|iframe|object|embed|img|base|form|b)\b/);
    expect(attributesOf(page).filter((name) => name.startsWith("on") || name === "style")).toEqual(
      [],
    );
    expect(misnamed(page)).toEqual([]);
    expect(packedIn(page)).toEqual(told);
  },
);

test("markdown holds no element from outside, and fits a pull request with 3000 ports", () => {
  const text = renderExplanation("markdown", hostile);
  const foreign = tags(text + renderExplanation("markdown", hostileJourney)).filter(
    (tag) => !["code", "details", "pre", "summary"].includes(tag),
  );
  expect(foreign).toEqual([]);
  const [, port] = explanation.ports;
  const many = { ...explanation, ports: Array.from({ length: 3000 }, () => port ?? expect.fail()) };
  const long = renderExplanation("markdown", many);
  expect(Buffer.byteLength(long)).toBeLessThan(60_000);
  expect(long).toContain("see explain.html or explain.json");
});

test("a format that there is not is refused", () => {
  expect(() => renderExplanation("gobench", explanation)).toThrow(RangeError);
});
