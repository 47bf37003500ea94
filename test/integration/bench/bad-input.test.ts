import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRun } from "../../../src/store/runs.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";
import { bridgescope, scratch } from "./cli.ts";

const folder = scratch();
afterAll(() => folder.remove());

const SHORT = ["--rounds", "1", "--duration", "50ms"];

describe.concurrent("bad input", () => {
  let before: HostState;
  beforeAll(() => {
    before = hostState();
  });
  afterAll(async () => {
    expect(await hostChanges(before)).toEqual({});
  });

  it.for<[string[], number, RegExp]>([
    [
      ["bench", "--topology", "ring:3"],
      2,
      /unknown topology "ring:3"; known are netns, veth, bridge:N/,
    ],
    [["bench", "--workload", "storm"], 2, /unknown workload "storm"; known are ping/],
    [["bench", "--topology", "bridge:1024"], 2, /at most 1023 ports/],
    [["bench", "--backend", "magic"], 2, /magic/],
    [["bench", "quik"], 2, /unknown plan "quik"/],
    [["bench", "--colour"], 2, /unknown option/],
    [["bench", "--fail-on", "regression"], 2, /takes time-check where nothing is compared/],
    [["bench", "--latency-sessions", "many"], 2, /--latency-sessions expects/],
    [["bench", "marginal", "--latency-sessions", "2"], 2, /it takes no --latency-sessions/],
    // Any other status would be a verdict to git bisect run.
    [["bench", "--kernel", "./bzImage", "--baseline", "/nowhere", "--bisect"], 125, /no run at/],
    [["fly"], 2, /unknown command/],
    [["report", "/nowhere"], 2, /no run at \/nowhere/],
    [["report", "--format", "papyrus", "/nowhere"], 2, /unknown format "papyrus"; known are html/],
  ])("%j ends with %i and a sentence", async ([args, code, message], { expect }) => {
    const result = await bridgescope(args);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});

describe("bad input that only shows later", () => {
  it("a folder that cannot be written to fails before anything is measured", async () => {
    const file = join(folder.path, "file");
    writeFileSync(file, "mine");
    const result = await bridgescope([
      "bench",
      ...SHORT,
      "--workload",
      "forward",
      "--out",
      join(file, "out"),
    ]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/cannot be written to/);
  });

  it("a feature is in the lab, or ends with 4 and is named where this kernel lacks it", async () => {
    const out = join(folder.path, "out");
    const topology = "bridge:2,vlan_filtering=1";
    const args = [
      "bench",
      ...SHORT,
      "--topology",
      topology,
      "--workload",
      "ping",
      "--backend",
      "off",
    ];
    const result = await bridgescope([...args, "--out", out]);
    const built = result.code === 0 ? readRun(out).cases[0]?.lab.bridge?.options : null;
    expect({ code: result.code, filters: built?.vlan_filtering, said: result.stderr }).toEqual(
      built === null
        ? {
            code: 4,
            filters: undefined,
            said: expect.stringMatching(/CONFIG_BRIDGE_VLAN_FILTERING/),
          }
        : { code: 0, filters: 1, said: expect.any(String) },
    );
  });

  it("a folder below /proc is refused at once", async () => {
    const result = await bridgescope(["bench", ...SHORT, "--out", "/proc/bridgescope/out"]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/cannot be written to/);
  });
});
