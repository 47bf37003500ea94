import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { explainBridge } from "../../../src/explain/explain.ts";
import { FULL } from "../../full.ts";
import { converse } from "./conversation.ts";
import { type FloodLab, type Frames, floodLab, macOf } from "./lab.ts";

/** With a lab of its own, in which the bridge has heard all hosts. */
async function inLab(use: (lab: FloodLab) => Promise<void>): Promise<void> {
  const lab = await floodLab();
  try {
    for (const host of ["a", "b", "c"] as const) {
      lab.got(host, { from: host, to: macOf(host), count: 1, settleMs: 10 });
    }
    await use(lab);
  } finally {
    await lab.leave();
  }
}

/** What is found while `act` is done again and again. */
async function findingsDuring(lab: FloodLab, act: () => void): Promise<string[]> {
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

interface Hands {
  lab: FloodLab;
  send(frames: Frames): void;
  /** From a. */
  ping(address: string): void;
}

/** Set-up, and what then goes on: each a bridge that nobody has to worry about. More of them, as they are on real networks, are in healthy-mixes.test.ts. */
const MIXES: Record<string, { set?: string; act: (hands: Hands) => void }> = {
  "the host itself, pinged": {
    set: "ip addr add 10.77.0.9/24 dev br0",
    act: ({ ping }) => ping("10.77.0.9"),
  },
  "neighbours that are asked for again and again": {
    act: ({ lab, ping }) => {
      lab.shell("ip neigh flush dev eth0", "a");
      ping("10.77.0.2");
    },
  },
  "a stream one way, and its receiver is heard of now and then": {
    act: ({ send }) => {
      send({ from: "a", to: macOf("b"), count: 200 });
      send({ from: "b", to: macOf("a"), count: 1 });
    },
  },
  "a short ageing time, and hosts that talk": {
    set: "ip link set br0 type bridge ageing_time 200",
    act: ({ ping }) => ping("10.77.0.2"),
  },
  "static entries alone, on ports that do not learn": {
    set: ["a", "b", "c"]
      .map((host) => {
        const entry = `${macOf(host as "a")} dev p${host} master`;
        return `bridge link set dev p${host} learning off; bridge fdb replace ${entry} static`;
      })
      .join("; "),
    act: ({ ping }) => ping("10.77.0.2"),
  },
  "a host that moves to another port, once": {
    act: (() => {
      let moved = false;
      return ({ lab, send }: Hands) => {
        // What is left behind has another address: with the same one the entry would be wrong.
        if (!moved) lab.shell("ip link set eth0 address 02:00:00:00:0b:1b", "b");
        if (!moved) send({ from: "c", source: macOf("b"), to: macOf("a"), count: 5 });
        moved = true;
        send({ from: "a", to: macOf("b"), count: 50 });
      };
    })(),
  },
  "a frame or two for hosts that are gone": {
    act: ({ lab, ping, send }) => {
      send({ from: "a", to: "02:00:00:00:99:99", count: 1 });
      ping("10.77.0.2");
      lab.shell("sleep 0.3");
    },
  },
};

// The mixes of healthy-mixes.test.ts show the same kind of thing in a tenth of the time.
describe("no flood above threshold is found in", FULL, () => {
  it.each(Object.entries(MIXES))("%s", async (_, { set, act }) => {
    await inLab(async (lab) => {
      if (set !== undefined) lab.shell(set);
      const hands: Hands = {
        lab,
        send: (frames) => void lab.got("c", { settleMs: 10, ...frames }),
        ping: (address) => void lab.shell(`ping -q -c 20 -i 0.002 ${address}`, "a"),
      };
      expect(await findingsDuring(lab, () => act(hands))).toEqual([]);
    });
  });

  it("a conversation of questions and answers", async () => {
    await inLab(async (lab) => {
      const talk = await converse(lab, "a", "b", "10.77.0.2");
      try {
        expect(await findingsDuring(lab, () => {})).toEqual([]);
      } finally {
        await talk.end();
      }
    });
  });
});
