import { describe, expect, it } from "vitest";
import {
  LINT_SCHEMA,
  type Lint,
  type LintFinding,
  lintSchema,
} from "../../../src/document/lint.ts";
import { renderLint } from "../../../src/report/lint.ts";

const namespace = { inode: 1, label: "host" };
const remedy = {
  ...{ command: "ip link set dev br0 address 02:00:00:00:00:01", effect: "it stays" },
  ...{ risk: "none", undo: "true", verify: "grep -q 3 /x" },
};

function finding(over: Partial<LintFinding> = {}): LintFinding {
  return {
    ...{ rule: "mac-unpinned", severity: "medium", bridge: "br0", noRemedy: null, remedy },
    text: "br0 has borrowed its address 02:00:00:00:00:01 from port va",
    evidence: ["the lowest of 3", "10.88.0.1 on br0", "a third"],
    ...over,
  };
}

function document(over: Partial<Lint> = {}): Lint {
  return lintSchema.parse({
    ...{ schema: LINT_SCHEMA, time: "2026-11-30T12:00:00.000Z", peers: false, namespace },
    ...{ bridge: { name: "br0", ifindex: 7, namespace }, bridges: ["br0"], ports: 3 },
    ...{ findings: [], notJudged: [], ...over },
  });
}

/** Of a terminal. */
const TTY = { color: false, width: 100, cut: true };
const lines = (text: string) => text.trimEnd().split("\n");

describe("what lint found", () => {
  it("is one line where there is nothing, with what was not judged below it", () => {
    expect(renderLint(document(), TTY)).toBe(
      "br0 (host): nothing in the configuration floods or loses frames\n",
    );
    const notJudged = (["duplicate-address", "wrong-port"] as const).map((rule) => ({
      ...{ rule, bridges: ["br0"], why: "--peers looks there" },
    }));
    expect(lines(renderLint(document({ notJudged }), TTY))).toEqual([
      "br0 (host): nothing in the configuration floods or loses frames",
      "Not judged: duplicate-address, wrong-port: --peers looks there.",
    ]);
  });

  it("names few of many bridges of which something was not judged", () => {
    const bridges = Array.from({ length: 40 }, (_, at) => `br${at}`);
    const notJudged = [{ rule: "wrong-port" as const, bridges: bridges.slice(1), why: "so it is" }];
    const text = renderLint(document({ bridge: null, bridges, notJudged }), TTY);
    expect(text.replace(/\s+/g, " ")).toContain(
      "Not judged: wrong-port of br1, br2, br3, br4, br5, br6, br7, br8 and 31 more: so it is.",
    );
  });

  it("is told with evidence and remedy", () => {
    const text = renderLint(document({ findings: [finding()] }), TTY);
    expect(lines(text)[0]).toBe("br0 (host): 1 finding (1 medium)");
    expect(text).toContain("1. mac-unpinned, medium: br0 has borrowed its address");
    expect(text).toContain("    ip link set dev br0 address 02:00:00:00:00:01");
    expect(text).toMatch(/Undo:\n {4}true\n {2}Verify:\n {4}grep -q 3 \/x/);
  });

  it("of 500 bridges fits a screen, and is whole where nobody cuts it", () => {
    const names = Array.from({ length: 500 }, (_, at) => `br${at}`);
    const of = (rule: LintFinding["rule"], severity: LintFinding["severity"]) =>
      names.map((bridge) => finding({ rule, severity, bridge }));
    const findings = [
      ...of("loop", "high"),
      ...of("mtu-spread", "medium"),
      ...of("promiscuous", "low"),
    ];
    const all = document({ bridge: null, bridges: names, ports: 5000, findings });
    const cut = renderLint(all, TTY);
    expect(lines(cut).length).toBeLessThanOrEqual(30);
    expect(lines(cut)[0]).toBe(
      "500 bridges (host) with 5,000 ports: 1,500 findings (500 high, 500 medium, 500 low)",
    );
    expect(cut.replace(/\s+/g, " ")).toContain("(and 499 more, at 499 other bridges)");
    const whole = renderLint(all);
    expect(whole.match(/^\d+\. /gm)).toHaveLength(1500);
    expect(whole).not.toContain("--full");
  });

  it("says how many of several bridges have nothing", () => {
    const findings = [finding({ bridge: "br1" })];
    const text = renderLint(
      document({ bridge: null, bridges: ["br0", "br1", "br2"], findings }),
      TTY,
    );
    expect(lines(text)[0]).toBe(
      "3 bridges (host) with 3 ports: 1 finding (1 medium); nothing at 2 bridges",
    );
    expect(text).toContain("1. mac-unpinned, medium at br1: ");
  });

  it("lets nothing of a name reach the terminal", () => {
    const name = "\u001b[31mx";
    const text = renderLint(
      document({ findings: [finding({ text: `${name} is promiscuous` })] }),
      TTY,
    );
    expect(text).not.toContain("\u001b");
  });
});
