import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Explanation, explainSchema } from "../../../src/document/explain.ts";
import { renderExplanationTerminal } from "../../../src/report/explanation/terminal.ts";
import { columns } from "../../../src/text/layout.ts";
import { floodingExplanation, losingExplanation } from "../../fixtures/report/explanations.ts";

const COMMAND =
  "nsenter --net=/proc/4711/ns/net -- bridge link set dev a-rather-long-p learning on";
const UNDO = "nsenter --net=/proc/4711/ns/net -- bridge link set dev a-rather-long-p learning off";

const VERIFY = "bridge -d link show dev a-rather-long-p | grep 'learning on'";

function explanation(change: (to: Explanation) => void = () => {}): Explanation {
  const full: Explanation = {
    schema: "bridgescope.explain/2",
    time: "2026-11-26T12:00:00.000Z",
    bridge: {
      name: "br0",
      ifindex: 7,
      namespace: { inode: 4026531840, label: "container web" },
      options: { ageing_time: 30000 },
    },
    probes: false,
    seconds: 0,
    overhead: null,
    thresholds: {
      unknownUnicast: 10,
      broadcast: 100,
      multicast: 100,
      copies: 5000,
      moves: 1,
      frames: 20,
      lost: 5,
      lostPerSecond: 1,
    },
    traffic: null,
    findings: [],
    below: [],
    belowMore: 0,
    notes: [
      {
        about: "state",
        cause: "learning-off",
        text: "port a-rather-long-p does not learn",
        remedy: {
          command: COMMAND,
          effect: "it learns",
          risk: "a controller may want it off",
          undo: UNDO,
          verify: VERIFY,
        },
      },
      { about: "state", cause: null, text: "the bridge is promiscuous", remedy: null },
    ],
    ports: [
      {
        name: "host",
        ifindex: 7,
        owner: null,
        gets: { unknownUnicast: false, broadcast: true, multicast: true },
        why: ["it is not promiscuous"],
      },
      {
        name: "a-rather-long-p",
        ifindex: 8,
        owner: "container web",
        gets: { unknownUnicast: true, broadcast: true, multicast: false },
        why: ["mcast_flood off", "isolated"],
      },
    ],
  };
  change(full);
  return explainSchema.parse(full);
}

function render(document: Explanation, width = 80): string[] {
  return renderExplanationTerminal(document, { width, color: false }).split("\n");
}

describe("an explanation on the terminal", () => {
  it("says what was found, in order", () => {
    const text = render(explanation()).join("\n");
    const at = (words: string) => text.indexOf(words);
    expect(at("br0 (container web): 2 things in its state")).toBe(0);
    const order = [
      "learning-off",
      "does not learn",
      COMMAND,
      "Risk:",
      UNDO,
      "promiscuous",
      "port  ",
    ];
    const places = order.map((words) => at(words));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(text).toMatch(/a-rather-long-p +yes +yes +no/);
    expect(text).toContain("a-rather-long-p: mcast_flood off; isolated");
  });

  it("has the answer alone where not all is asked for, the first finding first", () => {
    const brief = (over: Partial<Explanation>, cut = false) =>
      renderExplanationTerminal(
        { ...floodingExplanation(), ...over },
        { ...{ width: 80, color: false, full: false }, cut },
      );
    const count = (text: string) => text.split("\n").length - 1;
    const [gone, storm] = floodingExplanation().findings;
    if (gone === undefined || storm === undefined) return expect.fail("the fixture has two");
    const below = Array.from({ length: 10 }, () => floodingExplanation().below[0] ?? expect.fail());
    const note = { about: "frames", cause: null, text: "a long note ".repeat(20), remedy: null };
    const notes = Array.from({ length: 5 }, () => note) as Explanation["notes"];
    const quiet = brief({ findings: [], below, notes });
    expect(quiet).toMatch(/^br0 \(host\): nothing above threshold in 10\.0 s; 130,000 frames/);
    expect(count(quiet)).toBeLessThanOrEqual(12);
    expect(quiet).toContain("Below threshold: ");
    const one = brief({ findings: [gone], below, notes });
    expect(one).toMatch(/^br0 \(host\): one flood above threshold in 10\.0 s/);
    expect(count(one)).toBeLessThanOrEqual(30);
    expect(one.split(gone.title)).toHaveLength(2);
    for (const text of [quiet, one]) expect(text).not.toContain("veth5: open");
    // On a terminal the second has a line; elsewhere nothing is cut.
    expect(brief({ below }, true)).not.toContain(storm.noRemedy);
    expect(brief({ below })).toContain(storm.noRemedy);
    expect(brief({ below }, true)).toMatch(/^2\. broadcast-storm, medium: broadcast of /m);
  });

  it("has a loss with its remedy on one screen, and its cause once", () => {
    const losing = losingExplanation();
    const [loss] = losing.findings;
    if (loss === undefined) return expect.fail("the fixture has one");
    const below = Array.from({ length: 10 }, () => losing.below[0] ?? expect.fail());
    const victims = Array.from({ length: 30 }, () => loss.victims[0] ?? expect.fail());
    const evidence = Array.from({ length: 12 }, () => loss.evidence[0] ?? expect.fail());
    const one = { ...loss, victims, evidence, alternatives: ["a long alternative ".repeat(4)] };
    const screen = (findings: Explanation["findings"]) =>
      renderExplanationTerminal(
        { ...losing, findings, below },
        { width: 80, color: false, full: false },
      );
    const text = screen([one]);
    expect(text.split("\n").length - 1).toBeLessThanOrEqual(30);
    expect(text).toMatch(
      /^br0 \(host\): one loss above threshold in 10\.0 s, 68 of 68 frames lost\n/,
    );
    expect(text.split("FORWARD policy of")).toHaveLength(2);
    for (const said of [loss.remedy?.command, loss.remedy?.undo, loss.remedy?.verify, "Risk: "])
      expect(text).toContain(said);
    expect(screen(losing.findings)).toMatch(/^2\. isolated, policy: /m);
  });

  it("says that nothing was found", () => {
    const quiet = explanation((to) => {
      to.notes = [];
    });
    expect(render(quiet)[0]).toContain("nothing in its state makes it flood");
  });

  it("keeps commands on one line, to be copied, however narrow the terminal", () => {
    const lines = render(explanation(), 40);
    expect(lines).toContain(`    ${COMMAND}`);
    expect(lines).toContain(`    ${UNDO}`);
    expect(lines).toContain(`    ${VERIFY}`);
  });

  it("keeps every other line within any terminal, whatever the names", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(name, fc.integer({ min: 40, max: 200 }), (hostile, width) => {
        const document = explanation((to) => {
          to.bridge.name = hostile;
          for (const port of to.ports) port.name = hostile;
          for (const note of to.notes) note.text = `port ${hostile} \u001b[2J does not learn`;
        });
        for (const line of render(document, width)) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
          if (![COMMAND, UNDO, VERIFY].some((command) => line === `    ${command}`)) {
            expect(columns(line)).toBeLessThanOrEqual(width);
          }
        }
      }),
    );
  });
});
