import { join } from "node:path";
import { expect, it } from "vitest";
import type { WatchRecord } from "../../src/document/watch.ts";
import { readRun } from "../../src/store/runs.ts";
import { bridgescope } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { stage } from "./stage.ts";
import { trials } from "./trials.ts";

/**
 * Hardly a frame passes there, whatever is sent beside it. While the probes count all of the time, each port's frames are
 * those of its counters but for what passed between the two readings. On a machine that is as busy as here they rest at
 * times, and the few frames of such a time cannot be told.
 */
function inStep({ ports, counted, estimated, inFlight, notes }: WatchRecord): void {
  for (const { name, ingress, counters } of ports) {
    const [seen, came] = [ingress ?? 0, counters?.rx ?? 0];
    const between = inFlight ?? 0;
    const told = JSON.stringify({ name, seen, came, counted, estimated, inFlight, notes });
    expect(seen, told).toBeLessThanOrEqual(came + between);
    if (counted > 0 && !estimated) expect(came, told).toBeLessThanOrEqual(seen + between);
  }
}

const at = stage();

it("eight runs at once do not meet, and none is wrong", async () => {
  await trials("8 runs at once", 1, async (_random, index) => {
    const [before, others] = [hostState(), at.decoys.state()];
    const env = { XDG_STATE_HOME: join(at.folder, `state${index}`) };
    const succeed = async (...args: string[]) => {
      const { code, stdout, stderr } = await bridgescope(args, env);
      expect([args, code, stderr]).toEqual([args, 0, expect.any(String)]);
      return stdout;
    };
    const bench = async (run: number, topology: string, workload: string) => {
      const out = join(at.folder, `${index}-${run}`);
      const words = ["--topology", topology, "--workload", workload, "--rounds", "2"];
      words.push("--latency-sessions", "1");
      await succeed("bench", ...words, "--duration", "100ms", "--out", out);
      const [one] = readRun(out).cases;
      expect(one?.state).toBe("complete");
      expect(one?.bridge?.unaccounted).toBe(0);
      expect(one?.lab?.ports).toHaveLength(Number(topology.slice("bridge:".length)));
    };
    const keep = async (name: string, hosts: number) => {
      await succeed("lab", "up", `bridge:${hosts}`, "--name", name);
      const shown = JSON.parse(await succeed("lab", "show", name, "--json"));
      expect(shown.hosts).toHaveLength(hosts);
      await succeed("lab", "down", name);
    };
    const live = ["br0", "--netns", String(at.lab.bridge.pid), "--duration", "1s", "--json"];
    const [, , , , , , watched, explained] = await Promise.all([
      bench(0, "bridge:3", "flood"),
      bench(1, "bridge:2", "forward"),
      bench(2, "bridge:4", "broadcast"),
      bench(3, "bridge:2", "udp-rr"),
      keep("one", 20),
      keep("two", 40),
      succeed("watch", ...live),
      succeed("explain", ...live),
    ]);
    for (const line of (watched ?? "").trim().split("\n")) inStep(JSON.parse(line));
    expect(JSON.parse(explained ?? "").findings).toEqual([]);
    expect(await hostChanges(before, 2000)).toEqual({});
    expect(at.decoys.state()).toBe(others);
  });
});
