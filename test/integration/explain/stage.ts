/** Bridges with hosts that talk, each on an island of its own, and looks at them: scenes are built and played by shell. */
import type { Explanation } from "../../../src/document/explain.ts";
import type { ExplainOptions } from "../../../src/explain/explain.ts";
import { explainBridgeOrFlow } from "../../../src/explain/journey/explain-flow.ts";
import { type Device, type Island, newIsland, sendEvery } from "../real/island.ts";

/** What every script may use: br0 with hosts a, b and c (`host NAME NUMBER` adds one, `home NAME` a namespace), and `at HOST COMMAND`. */
const STAGE = `
at() { ip netns exec "$@"; }
wait_for() { for try in $(seq 100); do if eval "$1"; then return; fi; sleep 0.1; done; echo "not: $1" >&2; exit 1; }
home() { ip netns add $1; ip netns exec $1 sleep 7200 > /dev/null 2>&1 & }
host() {
  home $1
  ip link add v-$1 type veth peer name eth0 address 02:00:00:00:0d:0$2 netns $1
  ip link set v-$1 master br0 up
  ip -n $1 link set lo up; ip -n $1 link set eth0 up
  ip -n $1 addr add 10.77.0.$2/16 dev eth0; ip -n $1 addr add fd77::$2/64 dev eth0 nodad
}
`;
const HOSTS = "ip link add br0 type bridge; ip link set br0 up; host a 1; host b 2; host c 3\n";

export interface Sent extends Partial<Device> {
  netns: string;
  everyMs: number;
  frame: Buffer;
}

export interface Scene {
  /** Shell, once, before the bridge is looked at. */
  set?: string;
  /** Shell that goes on meanwhile. */
  act?: string;
  /** Frames that are sent meanwhile. */
  sent?: Sent[];
  /** It is looked at for as long as `act` lasts. */
  untilDone?: boolean;
}

export interface Stage {
  island: Island;
  /** Its name: each has one of its own, for the kernel's events of an FDB say no more of whose it is. */
  bridge: string;
  /** A script or an expected text as it is on this stage: br0 is its bridge, and :0d: in addresses is a byte of its own. */
  own(text: string): string;
  /** Runs a line of shell there. */
  shell(line: string): Promise<string>;
  /** Looks at the bridge while the scene goes on; 2 s where nothing else is said. */
  look(options?: ExplainOptions): Promise<Explanation>;
  /** Frames that have come in by its ports that are there. */
  received(): Promise<number>;
}

let built = 0;

/** Builds a scene with hosts a, b and c at br0, plays it, and does `action` meanwhile. A scene that is over ends the looking. */
export async function onStage<T>(scene: Scene, action: (stage: Stage) => Promise<T>): Promise<T> {
  const island = await newIsland();
  const number = 0x10 + built++;
  const bridge = `mix${number}`;
  const own = (text: string) =>
    text.replaceAll("br0", bridge).replaceAll(":0d:", `:${number.toString(16)}:`);
  const ownSource = (frame: Buffer) => {
    const copy = Buffer.from(frame);
    if (copy[10] === 0x0d) copy[10] = number;
    return copy;
  };
  const shell = (line: string) => island.shell(own(STAGE + line));
  const ends: (() => void)[] = [];
  try {
    await shell(HOSTS + (scene.set ?? ""));
    const over = new AbortController();
    if (scene.act !== undefined) {
      const acting = island.begin(own(STAGE + scene.act));
      if (scene.untilDone) acting.once("exit", () => over.abort());
    }
    for (const { netns, device = "eth0", everyMs, frame } of scene.sent ?? []) {
      ends.push(await sendEvery(everyMs, island, { netns, device }, ownSource(frame)));
    }
    const { netns } = island;
    return await action({
      ...{ island, bridge, own, shell },
      look: (options) =>
        explainBridgeOrFlow({ ...{ bridge, netns, seconds: 2, signal: over.signal }, ...options }),
      received: () => received(island, bridge),
    });
  } finally {
    for (const end of ends) end();
    await island.close();
  }
}

async function received(island: Island, bridge: string): Promise<number> {
  const links = JSON.parse(await island.shell(`ip -j -s link show master ${bridge}`));
  return links.reduce(
    (sum: number, { stats64 }: { stats64: { rx: { packets: number } } }) =>
      sum + stats64.rx.packets,
    0,
  );
}
