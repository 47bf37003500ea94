/** Containers of podman on its default bridge. */
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lintBridges } from "../../../src/explain/lint/lint.ts";
import { cannot } from "../../skipped.ts";
import { uniqueName } from "../host-state.ts";
import { explainDuring, type Island, lacking, newIsland, ownersIn } from "./island.ts";

const without = lacking(
  ["podman", "runc", "iptables", "busybox", "/usr/lib/cni/bridge"],
  "podman runc iptables busybox-static containernetworking-plugins",
);

describe.skipIf(cannot("containers of podman", without))("podman's bridge", () => {
  /** Control groups are the whole machine's. */
  const cgroup = uniqueName();
  const podman = `podman --runtime runc --storage-driver=vfs --root /run/store --runroot /run/running --tmpdir /run/tmp --cgroup-manager=cgroupfs`;
  const run = `${podman} run --cgroup-parent /${cgroup} --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 --cap-add NET_RAW --network podman`;
  let island: Island;
  let bridge = "";

  const inspect = async (name: string, what: string) =>
    (await island.shell(`${podman} inspect --format '{{${what}}}' ${name}`)).trim();
  const addressOf = (name: string) => inspect(name, ".NetworkSettings.IPAddress");
  const start = (name: string) => island.shell(`${run} -d --name ${name} box sleep 7200`);
  const remove = (name: string) => island.shell(`${podman} rm -f -t 0 ${name}`);

  beforeAll(async () => {
    island = await newIsland();
    await island.shell(`mkdir -p /run/box/bin; cp "$(command -v busybox)" /run/box/bin/busybox
for applet in sh sleep ping; do ln -s busybox /run/box/bin/$applet; done
tar -C /run/box -c . | ${podman} import - box`);
    await start("web");
    await start("db");
    const bridges = JSON.parse(await island.shell("ip -j link show type bridge"));
    expect(bridges).toHaveLength(1);
    bridge = bridges[0].ifname;
  });
  afterAll(async () => {
    await island.close();
    const groups = ["/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*/${cgroup}*`];
    execFileSync("find", [...groups, "-exec", "rmdir", "{}", "+"]);
  });

  it("gives no finding while containers start, talk and stop, and knows them by name", async () => {
    const db = await addressOf("db");
    const explanation = await explainDuring(island, bridge, async () => {
      for (let born = 0; born < 6; born++) {
        const pings = `ping -A -c 5 ${db} && ping -A -c 5 10.88.0.1`;
        await island.shell(`${run} --rm box sh -c '${pings}'`);
        await island.shell(`${podman} exec web ping -A -c 5 ${db}; ping -q -i 0.01 -c 5 ${db}`);
      }
    });
    expect(explanation.findings).toEqual([]);
    expect(ownersIn(explanation).sort()).toEqual(["container db", "container web"]);
  });

  it("has nothing to lint but the address that it may have borrowed, which is so", async () => {
    const { netns } = island;
    const type = `mkdir -p /run/sys; mount -t sysfs sysfs /run/sys
cat /run/sys/class/net/${bridge}/addr_assign_type; umount /run/sys`;
    const borrowed = (await island.shell(type)).trim() !== "3";
    for (const peers of [false, true]) {
      const { findings } = await lintBridges({ bridge, netns, peers });
      expect(findings.map(({ rule, severity }) => [rule, severity])).toEqual(
        borrowed ? [["mac-unpinned", "medium"]] : [],
      );
    }
  });

  it("floods what a container sends to one that is gone, and that one is named", async () => {
    await start("gone");
    const [address, mac] = [
      await addressOf("gone"),
      await inspect("gone", ".NetworkSettings.MacAddress"),
    ];
    await remove("gone");
    const inWeb = `nsenter -t ${await inspect("web", ".State.Pid")} --net`;
    await island.shell(`${inWeb} ip neigh replace ${address} lladdr ${mac} dev eth0 nud permanent`);
    const pings = island.begin(`exec ${inWeb} ping -q -i 0.01 ${address}`);
    const { findings } = await explainDuring(island, bridge, () => sleep(2000));
    pings.kill();
    expect(findings).toMatchObject([
      {
        cause: "destination-gone",
        destination: mac,
        ingressPort: { owner: "container web" },
      },
    ]);
    // Its port is a hairpin one: it gets a copy itself.
    const victims = findings[0]?.victims.map(({ port }) => port.owner);
    expect(victims?.sort()).toEqual(["container db", "container web"]);
  });
});
