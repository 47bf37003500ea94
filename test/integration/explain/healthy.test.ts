import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { explainBridge } from "../../../src/explain/explain.ts";
import { converse } from "./conversation.ts";
import { type FloodLab, type Frames, floodLab, macOf } from "./lab.ts";

const EVERYBODY = "ff:ff:ff:ff:ff:ff";
const GROUP = "01:00:5e:01:02:03";

let lab: FloodLab;

beforeEach(async () => {
  lab = await floodLab();
  for (const host of ["a", "b", "c"] as const) {
    lab.got(host, { from: host, to: macOf(host), count: 1, settleMs: 10 });
  }
});
afterEach(async () => {
  await lab.leave();
});

/** What is found while `act` is done again and again. */
async function findingsDuring(act: () => void): Promise<string[]> {
  let over = false;
  const netns = String(lab.bridge.pid);
  const answer = explainBridge({ bridge: "br0", netns, seconds: 1.2, maxOverhead: 1 }).finally(
    () => {
      over = true;
    },
  );
  while (!over) {
    act();
    await sleep(20);
  }
  return (await answer).findings.map(({ cause, title }) => `${cause}: ${title}`);
}

const send = (frames: Frames) => lab.got("c", { settleMs: 10, ...frames });
const ping = (address: string) => lab.shell(`ping -q -c 20 -i 0.002 ${address}`, "a");

/** Set-up, and what then goes on: each a bridge that nobody has to worry about. */
const MIXES: Record<string, { set?: string; act: () => void }> = {
  "hosts that ping each other": {
    act: () => {
      ping("10.77.0.2");
      ping("10.77.0.3");
    },
  },
  "the host itself, pinged": {
    set: "ip addr add 10.77.0.9/24 dev br0",
    act: () => ping("10.77.0.9"),
  },
  "neighbours that are asked for again and again": {
    act: () => {
      lab.shell("ip neigh flush dev eth0", "a");
      ping("10.77.0.2");
    },
  },
  "a stream one way, and its receiver is heard of now and then": {
    act: () => {
      send({ from: "a", to: macOf("b"), count: 200 });
      send({ from: "b", to: macOf("a"), count: 1 });
    },
  },
  "some broadcasts and some frames for a group, as discovery sends them": {
    act: () => {
      send({ from: "a", to: EVERYBODY, count: 1 });
      send({ from: "b", to: GROUP, count: 1 });
      lab.shell("sleep 0.2");
    },
  },
  "a short ageing time, and hosts that talk": {
    set: "ip link set br0 type bridge ageing_time 200",
    act: () => ping("10.77.0.2"),
  },
  "static entries alone, on ports that do not learn": {
    set: ["a", "b", "c"]
      .map((host) => {
        const entry = `${macOf(host as "a")} dev p${host} master`;
        return `bridge link set dev p${host} learning off; bridge fdb replace ${entry} static`;
      })
      .join("; "),
    act: () => ping("10.77.0.2"),
  },
  "a host that moves to another port, once": {
    act: (() => {
      let moved = false;
      return () => {
        if (!moved) send({ from: "c", source: macOf("b"), to: macOf("a"), count: 5 });
        moved = true;
        send({ from: "a", to: macOf("b"), count: 50 });
      };
    })(),
  },
  "ports that are isolated from each other": {
    set: "bridge link set dev pb isolated on; bridge link set dev pc isolated on",
    act: () => {
      ping("10.77.0.2");
      send({ from: "b", to: macOf("c"), count: 50 });
    },
  },
  "the spanning tree on": {
    set: "ip link set br0 type bridge stp_state 1 forward_delay 200; sleep 4.5",
    act: () => ping("10.77.0.3"),
  },
  "a frame or two for hosts that are gone": {
    act: () => {
      send({ from: "a", to: "02:00:00:00:99:99", count: 1 });
      ping("10.77.0.2");
      lab.shell("sleep 0.3");
    },
  },
};

describe("no flood above threshold is found in", () => {
  it.each(Object.entries(MIXES))("%s", async (_, { set, act }) => {
    if (set !== undefined) lab.shell(set);
    expect(await findingsDuring(act)).toEqual([]);
  });

  it("a conversation of questions and answers", async () => {
    const talk = await converse(lab, "a", "b", "10.77.0.2");
    try {
      expect(await findingsDuring(() => {})).toEqual([]);
    } finally {
      await talk.end();
    }
  });
});
