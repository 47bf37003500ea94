import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostChanges, hostState } from "../host-state.ts";
import { bridgescope, scratch } from "./cli.ts";

let folder: ReturnType<typeof scratch>;
beforeEach(() => {
  folder = scratch();
});
afterEach(() => folder.remove());

const SHORT = ["--rounds", "1", "--duration", "50ms"];

describe("bad input", () => {
  it.each([
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
    [["fly"], 2, /unknown command/],
    [["report", "/nowhere"], 2, /no run at \/nowhere/],
    [["report", "--format", "papyrus", "/nowhere"], 2, /unknown format "papyrus"; known are html/],
  ])("%j ends with %i and a sentence", async (args, code, message) => {
    const before = hostState();
    const result = await bridgescope([...args]);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(await hostChanges(before)).toEqual({});
  });

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

  it("a feature that this kernel lacks ends with 4 and names it", async () => {
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
    const result = await bridgescope([...args, "--out", join(folder.path, "out")]);
    if (result.code === 0) return; // this kernel has it, and the lab was built
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(/CONFIG_BRIDGE_VLAN_FILTERING/);
  });
});

/** A folder for PATH in which one tool is replaced and all others are the machine's own. */
function pathWith(tool: string, script: string): Record<string, string> {
  const bin = join(folder.path, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, tool), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, tool), 0o755);
  return { PATH: `${bin}:${process.env.PATH}` };
}

describe("a tool that misbehaves is named, within seconds, and the host is clean", () => {
  it.each([
    ["ip", "exit 3", "forward"],
    ["ip", "echo garbage; exit 0", "forward"],
    ["bridge", "exit 3", "forward"],
    ["bridge", "echo garbage; exit 0", "forward"],
    ["bpftrace", "exit 3", "forward"],
    ["bpftrace", "echo garbage; exit 0", "forward"],
    ["ping", "exit 3", "ping"],
    ["ping", "echo garbage; exit 0", "ping"],
    ["iperf3", "exit 3", "tcp-stream", "--engine", "iperf3"],
    ["iperf3", "echo garbage; exit 0", "tcp-stream", "--engine", "iperf3"],
    ["taskset", "exit 3", "ping"],
    ["bpftool", "exit 3", "forward"],
    ["bpftool", "echo garbage; exit 0", "forward"],
  ])("%s: %s", async (tool, script, workload, ...more) => {
    const before = hostState();
    const out = join(folder.path, "out");
    const began = Date.now();
    const env = pathWith(tool, script);
    const result = await bridgescope(
      ["bench", ...SHORT, "--topology", "bridge:2", "--workload", workload, ...more, "--out", out],
      env,
    );
    expect([1, 4]).toContain(result.code);
    expect(result.stdout + result.stderr).toContain(tool);
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(await hostChanges(before, 2000)).toEqual({});
  });

  it.each([
    ["ip", "forward"],
    ["bpftrace", "forward"],
    ["bpftool", "forward"],
    ["ping", "ping"],
  ])("%s hangs, with a child of its own that holds its output", async (tool, workload) => {
    const before = hostState();
    const out = join(folder.path, "out");
    const env = pathWith(tool, "sleep 300; true");
    const args = ["bench", ...SHORT, "--topology", "bridge:2", "--workload", workload];
    const result = await bridgescope([...args, "--out", out], env);
    expect([1, 4]).toContain(result.code);
    expect(result.stdout + result.stderr).toContain(tool);
    expect(await hostChanges(before, 2000)).toEqual({});
  });

  it("a folder below /proc is refused at once", async () => {
    const result = await bridgescope(["bench", ...SHORT, "--out", "/proc/bridgescope/out"]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/cannot be written to/);
  });

  it("bpftrace missing ends with 4 and the remedy", async () => {
    const bin = join(folder.path, "bin");
    mkdirSync(bin);
    for (const tool of [
      "ip",
      "bridge",
      "setpriv",
      "taskset",
      "nsenter",
      "unshare",
      "sh",
      "bpftool",
      "ping",
      "iperf3",
    ]) {
      for (const place of ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]) {
        try {
          symlinkSync(join(place, tool), join(bin, tool));
          break;
        } catch {
          // linked already
        }
      }
    }
    const result = await bridgescope(["bench", ...SHORT, "--out", join(folder.path, "out")], {
      PATH: bin,
    });
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(/bpftrace.*apt-get install/s);
  });
});
