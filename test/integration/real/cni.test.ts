/** Namespaces that the CNI's `bridge` plugin connects, as a container runtime has it done. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cannot } from "../../skipped.ts";
import { explainDuring, type Island, lacking, newIsland, ownersIn } from "./island.ts";

const PLUGINS = "/usr/lib/cni";
const without = lacking([`${PLUGINS}/bridge`], "containernetworking-plugins");
const BRIDGE = "cni0";
const CONFIGURATION = JSON.stringify({
  cniVersion: "0.4.0",
  name: "test",
  type: "bridge",
  bridge: BRIDGE,
  isGateway: true,
  ipam: { type: "host-local", subnet: "10.44.0.0/24" },
});

describe.skipIf(cannot("the CNI's bridge plugin", without))("a bridge of the CNI's", () => {
  let island: Island;

  const plugin = (command: "ADD" | "DEL", name: string) =>
    island.shell(`echo '${CONFIGURATION}' | CNI_COMMAND=${command} CNI_CONTAINERID=${name} \
CNI_NETNS=/run/netns/${name} CNI_IFNAME=eth0 CNI_PATH=${PLUGINS} ${PLUGINS}/bridge`);

  /** Gives the address that the plugin has chosen. */
  async function add(name: string): Promise<string> {
    await island.shell(`ip netns add ${name}`);
    island.begin(`exec ip netns exec ${name} sleep 7200`);
    const { ips } = JSON.parse(await plugin("ADD", name));
    return ips[0].address.split("/")[0];
  }

  beforeAll(async () => {
    island = await newIsland();
  });
  afterAll(() => island.close());

  it("gives no finding while namespaces are added, talk and are deleted", async () => {
    const [one, two] = [await add("one"), await add("two")];
    const explanation = await explainDuring(island, BRIDGE, async () => {
      for (let turn = 0; turn < 10; turn++) {
        const own = await add(`t${turn}`);
        await island.shell(`ip netns exec t${turn} ping -q -c 5 -i 0.01 ${one}
ip netns exec t${turn} ping -q -c 5 -i 0.01 10.44.0.1
ip netns exec one ping -q -c 5 -i 0.01 ${two}; ping -q -c 5 -i 0.01 ${own}`);
        await plugin("DEL", `t${turn}`);
      }
    });
    expect(explanation.findings).toEqual([]);
    const sleeper = expect.stringMatching(/^pid \d+ \(sleep\)$/);
    expect(ownersIn(explanation)).toEqual([sleeper, sleeper]);
  });

  it("floods what is sent to a namespace that was deleted", async () => {
    // With one other port the bridge had to send it there.
    await add("three");
    const gone = await add("gone");
    const [link] = JSON.parse(await island.shell("ip -n gone -j link show dev eth0"));
    await plugin("DEL", "gone");
    await island.shell(
      `ip -n one neigh replace ${gone} lladdr ${link.address} dev eth0 nud permanent`,
    );
    island.begin(`exec ip netns exec one ping -q -i 0.01 ${gone}`);
    const { findings } = await explainDuring(island, BRIDGE, () => sleep(2000));
    expect(findings).toMatchObject([{ cause: "destination-gone", destination: link.address }]);
  });
});
