/** Switches of Mininet's that are Linux bridges. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cannot } from "../../skipped.ts";
import { explainDuring, type Island, lacking, newIsland, ownersIn } from "./island.ts";

const without = lacking(["mn", "brctl"], "mininet bridge-utils");

describe.skipIf(cannot("Mininet", without))("a switch of Mininet's", () => {
  let island: Island;
  beforeEach(async () => {
    island = await newIsland();
  });
  afterEach(() => island.close());

  /** Starts it with a topology; gives what has it do something and resolves with the next line that has `sign`. */
  async function mininet(
    topology: string,
  ): Promise<(command: string, sign: RegExp) => Promise<string>> {
    const child = island.begin(
      `exec mn --switch lxbr --controller none --topo ${topology}`,
      "pipe",
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data) => {
        said += String(data);
      });
    }
    const seen = (sign: RegExp) =>
      expect.poll(() => said, { timeout: 60_000, interval: 50 }).toMatch(sign);
    await seen(/Starting CLI/);
    return async (command, sign) => {
      said = "";
      child.stdin?.write(`${command}\n`);
      await seen(sign);
      return said;
    };
  }

  it("gives no finding while all hosts ping each other over a tree of switches", async () => {
    const mn = await mininet("tree,depth=2,fanout=3");
    const explanation = await explainDuring(island, "s2", async () => {
      for (let turn = 0; turn < 2; turn++) {
        await mn("pingall", /Results: 0% dropped \(72\/72 received\)/);
      }
    });
    expect(explanation.findings).toEqual([]);
    const host = expect.stringMatching(/^pid \d+ \(bash\)$/);
    expect(ownersIn(explanation)).toEqual(expect.arrayContaining([host, host, host]));
  });

  it("is in a loop where a second cable leads to the same switch, and that is said", async () => {
    const mn = await mininet("linear,2");
    await mn("pingall", /Results: 0% dropped/);
    // What circles is held to a rate that leaves the machine usable.
    await island.shell(`ip link add x1 type veth peer name x2
for end in x1 x2 s1-eth2 s2-eth2; do tc qdisc add dev $end root tbf rate 2mbit burst 3000 limit 9000; done
ip link set x1 master s1 up; ip link set x2 master s2 up`);
    const { findings } = await explainDuring(island, "s1", async () => {
      await mn("h1 ping -c 2 -W 1 10.0.0.99", /packet loss/);
    });
    expect(findings[0]).toMatchObject({ cause: "loop", basis: "observed" });
  });
});
