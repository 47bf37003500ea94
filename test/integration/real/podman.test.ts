/** Containers of podman on its default bridge. */
import { execFile, execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { explainSchema } from "../../../src/document/explain.ts";
import { lintBridges } from "../../../src/explain/lint/lint.ts";
import { cannot } from "../../skipped.ts";
import { bridgescope } from "../bench/cli.ts";
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

  describe("what netfilter drops between two containers", () => {
    let addresses: Record<"source" | "destination", string>;
    const ping = (words: string) =>
      `${podman} exec web ping ${words} ${addresses.destination} > /dev/null`;
    const succeeds = (line: Promise<unknown>) =>
      line.then(
        () => true,
        () => false,
      );
    const talks = () => succeeds(island.shell(ping("-q -c 1 -W 1")));
    /** As a person types it on the host. */
    const typed = (line = "false") => succeeds(promisify(execFile)("sh", ["-ec", line]));
    const rules = () => island.shell("nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'");
    const forwarding = (policy: string, rule = "counter") =>
      island.shell(
        `nft 'table inet filter { chain forward { type filter hook forward priority 0; policy ${policy}; ${rule}; }; }'`,
      );

    /** What the command line answers while web pings db. */
    async function asked(...words: string[]) {
      const pings = island.begin(`exec ${ping("-q -i 0.05")}`);
      try {
        const look = ["explain", bridge, "--netns", island.netns, "--duration", "1s", "--json"];
        const { code, stdout, stderr } = await bridgescope([...look, ...words]);
        expect(stderr).not.toMatch(/^\s+at /m);
        return { code, answer: explainSchema.parse(JSON.parse(stdout)) };
      } finally {
        pings.kill();
      }
    }

    beforeEach(async () => {
      addresses = { source: await addressOf("web"), destination: await addressOf("db") };
      const calls = ["iptables=1", "ip6tables=0"].map((one) => `net.bridge.bridge-nf-call-${one}`);
      await island.shell(`sysctl -qw ${calls.join(" ")}`);
      // They know each other from then on: what is lost is no ARP.
      expect(await talks()).toBe(true);
    });
    afterEach(async () => {
      await island.shell("nft delete table inet filter");
    });

    it("is a loss by a FORWARD policy beside CNI's own rules, and the remedy ends it", async () => {
      // As in a closed nftables.conf: that CNI accepts them in its table does not help.
      await forwarding("drop");
      const { code, answer } = await asked();
      expect([code, answer.findings.length]).toEqual([3, 1]);
      const [finding] = answer.findings;
      expect(finding).toMatchObject({
        ...{ kind: "loss", cause: "netfilter", basis: "observed", reason: "NETFILTER_DROP" },
        title: expect.stringMatching(/^the policy of chain forward \(inet filter\) drops frames/),
        ingressPort: { owner: "container web" },
        victims: [{ port: { owner: "container db" } }],
        addresses,
      });

      const before = await rules();
      const { command, undo, verify } = finding?.remedy ?? {};
      expect([await typed(verify), await talks()]).toEqual([false, false]);
      expect(await typed(command)).toBe(true);
      expect([await typed(verify), await talks()]).toEqual([true, true]);
      expect(await typed(undo)).toBe(true);
      expect(await rules()).toBe(before);
      expect([await typed(verify), await talks()]).toEqual([false, false]);
    });

    it("is policy by a rule about these two, and exits with 0", async () => {
      const { source, destination } = addresses;
      await forwarding("accept", `ip saddr ${source} ip daddr ${destination} drop`);
      const { code, answer } = await asked();
      expect([code, answer.findings.length]).toEqual([0, 1]);
      expect(answer.findings[0]).toMatchObject({
        ...{ kind: "policy", cause: "netfilter", remedy: null, addresses },
        title: expect.stringMatching(/^rule \d+ of chain forward \(inet filter\) drops them/),
        ingressPort: { owner: "container web" },
      });
    });

    it("is where the journey from the one to the other ends", async () => {
      await forwarding("drop");
      const { code, answer } = await asked("--from", "web", "--to", "container db");
      expect(code).toBe(3);
      expect(answer.findings).toMatchObject([{ kind: "loss", cause: "netfilter", addresses }]);
      const { journey } = answer;
      expect(journey).toMatchObject({
        from: { owner: "container web" },
        to: { owner: "container db" },
        verdict: expect.stringMatching(
          /: 0 of \d+ echo requests reached eth0 \(container db\); .* dropped by nft_do_chain at /,
        ),
      });
      const [there] = journey?.directions ?? [];
      expect(there?.lost).toMatchObject([{ frames: there?.frames, lastRole: "ingress" }]);
    });
  });
});
