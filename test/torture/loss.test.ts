import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readRun } from "../../src/store/runs.ts";
import { bridgescope, scratch } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { trials, wasCalledFor } from "./trials.ts";

let folder: ReturnType<typeof scratch>;
beforeAll(() => {
  folder = scratch();
});
afterAll(() => folder?.remove());

/** What leaves us next to nothing takes half a minute: `npm test` leaves us our share. */
const NICE = wasCalledFor ? "-10" : "0";

const CASES = ["--topology", "bridge:4", "--workload", "flood", "--latency-sessions", "1"];
const bpftrace = () =>
  execFileSync("sh", ["-c", "command -v bpftrace"], { encoding: "utf8" }).trim();

async function bench(name: string, env: Record<string, string>) {
  const before = hostState();
  const out = join(folder.path, name, "out");
  const words = ["bench", ...CASES, "--rounds", "2", "--duration", "100ms", "--out", out];
  const { code, stderr } = await bridgescope(words, env);
  expect(await hostChanges(before, 2000)).toEqual({});
  // Where the machine is too busy to begin with, a sentence says so.
  if (!existsSync(out))
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringMatching(/^bridgescope: /m)]);
  return { code, stderr, cases: existsSync(out) ? readRun(out).cases : [] };
}

it("maps that are full are told for every case that they concern, and the run fails", async () => {
  await trials("probes with room for 2 to 20 keys", 1, async (random, index) => {
    const keys = 2 + Math.floor(random() * 19);
    const bin = join(folder.path, `${index}`, "bin");
    mkdirSync(bin, { recursive: true });
    const room = `export BPFTRACE_MAP_KEYS_MAX=${keys} BPFTRACE_MAX_MAP_KEYS=${keys}`;
    const script = `#!/bin/sh\ncase "$*" in *--version*) ;; *) ${room} ;; esac\nexec ${bpftrace()} "$@"\n`;
    writeFileSync(join(bin, "bpftrace"), script);
    chmodSync(join(bin, "bpftrace"), 0o755);
    const { code, stderr, cases } = await bench(`${index}`, { PATH: `${bin}:${process.env.PATH}` });
    // Counts may find room where times do not: then the run is whole, and no stage has a net time.
    const counts = cases.some(({ state, probe }) => state === "failed" || probe?.degraded.length);
    expect(code, stderr).toBe(counts ? 1 : 0);
    for (const { id, state, probe, latency } of cases) {
      if (state === "failed") continue;
      const told = [
        ...(probe?.degraded ?? []),
        ...Object.values(latency).map((one) => one.withheld),
      ];
      expect([id, told.join()]).toEqual([id, expect.stringMatching(/map @\w+ is full/)]);
      for (const { p50 } of Object.values(latency)) expect(p50).toBeNull();
    }
  });
});

it("on a host whose CPUs others take, the books balance, or the case says that they do not", async () => {
  await trials("probes beside three CPU hogs", 1, async (_random, index) => {
    const hogs: ChildProcess[] = Array.from({ length: 3 }, () =>
      spawn("nice", ["-n", NICE, "sh", "-c", "while :; do :; done"], { stdio: "ignore" }),
    );
    try {
      const { cases, stderr } = await bench(`hog${index}`, {});
      for (const { id, state, bridge, probe, error } of cases) {
        const off = state === "failed" ? 0 : (bridge?.unaccounted ?? 0);
        const told = state === "failed" ? [error] : (probe?.degraded ?? []);
        expect(off === 0 || told.length > 0, `${id}: ${off} off: ${stderr}`).toBe(true);
      }
    } finally {
      for (const hog of hogs) hog.kill("SIGKILL");
    }
  });
});
