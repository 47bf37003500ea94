import { describe, expect, test } from "vitest";
import { quiet } from "../../../src/bench/load/quiet.ts";
import { workloadNamed } from "../../../src/bench/workloads/index.ts";
import { describeLab } from "../../../src/setup/describe.ts";
import { keepLab } from "../../../src/setup/keep.ts";
import { dropLab, openKeptLab } from "../../../src/setup/kept.ts";
import type { BuiltLab } from "../../../src/setup/lab.ts";
import { buildStandingLab, differences } from "../../../src/setup/standing-lab.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { threadCpus } from "../../../src/system/libc.ts";
import { labName, namespaces, useOwnBooks } from "./machine.ts";

useOwnBooks();

const { signal } = new AbortController();
const ROUND_NS = 30e6;

const build = (topology: string) =>
  buildStandingLab(parseTopology(topology), { signal, warn: (sentence) => expect.fail(sentence) });

/** Frames that each device of the bridges' namespace took and gave in one round of a workload. */
async function passed(lab: BuiltLab, workload: string) {
  const driver = await workloadNamed(workload).prepare({
    ...{ lab, options: {}, cpus: threadCpus(), signal },
  });
  const before = await quiet(lab);
  const { metrics } = await driver.round(ROUND_NS);
  const after = await quiet(lab);
  await driver.close();
  const frames = (device: string, way: "rx" | "tx") =>
    (after.get(device)?.[way] ?? Number.NaN) - (before.get(device)?.[way] ?? Number.NaN);
  return { metrics, frames };
}

describe("a chain of bridges", () => {
  test("forwards every frame at every bridge, and floods none", async () => {
    const { lab } = await build("chain:4");
    try {
      const { metrics, frames } = await passed(lab, "forward");
      const sent = frames("p1", "rx");
      expect(sent).toBeGreaterThan(500);
      expect(metrics.frame_loss).toBe(0);
      const hops = [
        ...["next0", "next1", "next2", "p2"].map((port) => frames(port, "tx")),
        ...["prev1", "prev2", "prev3"].map((port) => frames(port, "rx")),
      ];
      expect(hops).toEqual(Array(7).fill(sent));
      const back = ["p1", "prev1", "prev2", "prev3"].map((port) => frames(port, "tx"));
      expect(back).toEqual([0, 0, 0, 0]);
    } finally {
      await lab.close();
    }
  });

  test("carries pings there and back", async () => {
    const { lab } = await build("chain:3,mtu=1400");
    try {
      const { metrics } = await passed(lab, "ping-flood");
      expect(metrics.rtt_p50).toBeGreaterThan(0);
    } finally {
      await lab.close();
    }
  });

  test("is read back with its bridges, and whose port each is", async () => {
    const { lab, read } = await build("chain:3,ageing_time=5s");
    try {
      expect(read.bridge).toMatchObject({ name: "br0", inSeries: 3 });
      const found = read.ports.map(({ name, bridge, peer, state }) => [
        ...[name, bridge, peer?.name, peer?.namespace, state],
      ]);
      expect(found).toEqual([
        ["p1", "br0", "eth0", "h1", "forwarding"],
        ["p2", "br2", "eth0", "h2", "forwarding"],
        ["prev1", "br1", "next0", "sw", "forwarding"],
        ["next0", "br0", "prev1", "sw", "forwarding"],
        ["prev2", "br2", "next1", "sw", "forwarding"],
        ["next1", "br1", "prev2", "sw", "forwarding"],
      ]);
      const links = await lab.site.runOk("ip", ["-d", "-j", "link", "show", "type", "bridge"], {
        namespace: "sw",
      });
      const ageing = JSON.parse(links).map(
        (link: { linkinfo: { info_data: { ageing_time: number } } }) =>
          link.linkinfo.info_data.ageing_time,
      );
      expect(ageing).toEqual([500, 500, 500]);
      expect(differences(parseTopology("chain:4"), read)).toEqual([
        "bridges in series was asked to be 4 and is 3",
      ]);
    } finally {
      await lab.close();
    }
  });

  test("stands until it is taken down, and says how it hangs together", async () => {
    const name = labName();
    await (await keepLab(parseTopology("chain:3"), name)).close();
    const lab = openKeptLab(name);
    try {
      const { chain, hosts } = describeLab(lab);
      expect(chain?.map(({ bridge, ports }) => [bridge, ports.toSorted()])).toEqual([
        ["br0", ["next0", "p1"]],
        ["br1", ["next1", "prev1"]],
        ["br2", ["p2", "prev2"]],
      ]);
      expect(hosts.map(({ port }) => port?.name)).toEqual(["p1", "p2"]);
    } finally {
      await lab.close();
    }
    await dropLab(name);
    expect(namespaces(name).size).toBe(0);
  });
});
