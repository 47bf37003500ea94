/** What is a flood, and what is not: frames that leave by no port. */
import { describe, expect, it } from "vitest";
import type { Finding, Note } from "../../../src/document/explain.ts";
import { judged, THRESHOLDS } from "../../../src/explain/findings.ts";
import type { Flow } from "../../../src/live/collect.ts";
import { A, B, bridge, collected, EVERYBODY, flow, GONE, GROUP, withPort } from "./bridge.ts";

function judge(flows: Flow[], state = bridge()): { findings: Finding[]; texts: string[] } {
  const { findings, notes } = judged(state, collected(flows), THRESHOLDS);
  return { findings, texts: notes.map(({ text }: Note) => text) };
}

describe("frames that leave by no port are a note, and no finding:", () => {
  it.each([
    [
      "unknown unicast",
      { destination: GONE },
      `1000 frames of unknown unicast from ${A} for ${GONE}`,
    ],
    [
      "broadcast",
      { class: "broadcast", destination: EVERYBODY },
      `1000 frames of broadcast from ${A}`,
    ],
    [
      "multicast",
      { class: "multicast", destination: GROUP },
      `1000 frames of multicast from ${A} for ${GROUP}`,
    ],
  ] as const)("%s", (_, over, said) => {
    const { findings, texts } = judge([flow({ ...over, copies: 0 })]);
    expect(findings).toEqual([]);
    expect(texts).toEqual([`${said} that came in by port pa left nowhere`]);
  });

  it("that the host alone got", () => {
    const up = {
      class: "broadcast",
      destination: EVERYBODY,
      copies: 1000,
      hostCopies: 1000,
    } as const;
    const { findings, texts } = judge([flow(up)]);
    expect(findings).toEqual([]);
    expect(texts[0]).toMatch(/pa left nowhere but to the host itself \(1000 copies\)$/);
  });

  it("that came in by a port that takes in none, as its state is", () => {
    const blocked = withPort(bridge(), "pa", { state: "disabled" });
    const { texts } = judge([flow({ destination: GONE, copies: 0 })], blocked);
    expect(texts[0]).toMatch(/port pa, whose state is disabled, left nowhere$/);
  });

  it("that the host itself sent, and that came in by two ports or one that is gone", () => {
    const from = (port: number) => flow({ destination: GONE, copies: 0, port });
    expect(judge([from(7)]).texts[0]).toContain("that the host itself sent left nowhere");
    const { texts } = judge([from(10), from(99)]);
    expect(texts).toEqual([
      `2000 frames of unknown unicast from ${A} for ${GONE} that came in by port pa and that came in by a port that is gone (ifindex 99) left nowhere`,
    ]);
  });

  it("a few each for many addresses", () => {
    const to = (last: number) =>
      flow({ destination: `02:00:00:00:99:${last + 10}`, frames: 15, copies: 0 });
    const { findings, texts } = judge(Array.from({ length: 20 }, (_, last) => to(last)));
    expect(findings).toEqual([]);
    expect(texts).toEqual([
      `300 frames of unknown unicast from ${A} for 20 addresses that came in by port pa left nowhere`,
    ]);
  });
});

describe("a flood is judged by the frames that can have left:", () => {
  it("one copy in a thousand frames is none", () => {
    const { findings, texts } = judge([flow({ destination: GONE, copies: 1 })]);
    expect(findings).toEqual([]);
    expect(texts[0]).toMatch(/^at least 999 of 1000 frames of unknown unicast /);
  });

  it("half of them are one, and the other half is told", () => {
    const { findings, texts } = judge([flow({ copies: 500 })]);
    expect(findings).toMatchObject([{ frames: 1000, copies: 500, destination: B }]);
    expect(texts[0]).toMatch(/^at least 500 of 1000 frames /);
  });

  it("all of them are one, and nothing is told besides", () => {
    const { findings, texts } = judge([flow()]);
    expect(findings).toMatchObject([{ frames: 1000, copies: 2000 }]);
    expect(texts).toEqual([]);
  });

  it("copies of one source's broadcasts are not another's", () => {
    const storm = { class: "broadcast", destination: EVERYBODY } as const;
    const other = flow({ ...storm, source: B, port: 11, copies: 0 });
    const { findings, texts } = judge([flow(storm), other]);
    expect(findings.map(({ source }) => source)).toEqual([A]);
    expect(texts).toEqual([
      `1000 frames of broadcast from ${B} that came in by port pb left nowhere`,
    ]);
  });

  it("as few as are no flood are no note either", () => {
    expect(judge([flow({ frames: 19, copies: 0 })])).toEqual({ findings: [], texts: [] });
    expect(judge([flow({ frames: 99, copies: 0 })])).toEqual({ findings: [], texts: [] });
  });
});
