/** Overlays, whole and not: what a VXLAN port's own FDB lacks, or has wrong, beside what the bridge has. */
import { spawnSync } from "node:child_process";
import { describe, it } from "vitest";
import { type Explanation, explainSchema, type Finding } from "../../../../src/document/explain.ts";
import { start } from "../../bench/cli.ts";
import { onStage, type Stage } from "../stage.ts";
import { DOCKER, FAR, OVERLAY, WHOLE } from "./overlay.ts";

const DEFAULT = "00:00:00:00:00:00";

/** WHOLE with default remotes alone, and devices that learn. */
const LEARNING = `${OVERLAY}
underlay A 1; vxlan A 1 1 vxlan0 4097; ip link set vxlan0 mtu 1450 master br0 up
far B 2 remote 198.18.1.1
bridge fdb append ${DEFAULT} dev vxlan0 dst 198.18.1.2 self permanent
wait_for "at a ping -q -c 1 -W 1 10.77.0.12 > /dev/null"
`;
const PING = "at a ping -q -i 0.02 10.77.0.12";
const reached = "at a ping -q -c 1 -W 1 10.77.0.12";

/** Causes of findings and of notes that are about a VXLAN. */
function about({ findings, notes }: Explanation): string[] {
  return [...findings, ...notes].flatMap(({ cause }) => (cause?.startsWith("vxlan") ? cause : []));
}

function the(explanation: Explanation, kind: Finding["kind"], cause: Finding["cause"]): Finding {
  const found = explanation.findings.filter((one) => one.cause === cause && one.kind === kind);
  const [finding] = found;
  if (finding === undefined || found.length > 1) {
    throw new Error(`not one ${kind} ${cause}: ${JSON.stringify(explanation.findings, null, 1)}`);
  }
  return finding;
}

/** As a person on the host would. */
function run(line: string): number | null {
  return spawnSync("sh", ["-ec", line], { stdio: "ignore" }).status;
}

const fdb = ({ shell }: Stage) =>
  shell("bridge fdb show dev vxlan0 | grep -v ' master ' | sort; ip neigh show nud permanent");

/** What of half, or wrong, entries beside a whole one is told in one look; NUMBER of each is that of its address. */
const BROKEN = [
  { number: 21, from: "a", dst: null },
  { number: 22, from: "a", dst: "198.18.1.77" },
  { number: 23, from: "a", dst: "192.0.2.77" },
  { number: 24, from: "b", dst: "198.18.1.1" },
];
/** The remote is a host of the overlay, and has nobody with that address. */
const SILENT = { number: 25, from: "a", dst: "198.18.1.2" };
const addressOf = (number: number) => `02:00:00:00:0d:${number}`;
const dstOf = (number: number, ip: string) =>
  `bridge fdb replace ${addressOf(number)} dev vxlan0 dst ${ip} self permanent`;
const half = (number: number) => `
ip neigh replace 10.77.0.${number} lladdr ${addressOf(number)} dev vxlan0 nud permanent
bridge fdb replace ${addressOf(number)} dev vxlan0 master static`;

describe.concurrent("an overlay as Docker lays it out", () => {
  it("lacks the remote of an address, and has wrong ones, beside a whole entry", async ({
    expect,
  }) => {
    // Who asks in vain is not given up.
    const set = `${WHOLE} at u-A sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=60
${[...BROKEN, SILENT].map(({ number, dst }) => half(number) + (dst === null ? "" : `; ${dstOf(number, dst)}`)).join("\n")}`;
    const pings = [...BROKEN, SILENT].map(
      ({ number, from }) => `at ${from} ping -q -i 0.05 10.77.0.${number}`,
    );
    await onStage({ set, act: [PING, ...pings].join(" & ") }, async ({ look, shell, own }) => {
      const seen = await look();
      // Multicast of IPv6 that such a device does not carry is as it should be, and so is what has a remote.
      const lost = seen.findings.filter(({ kind }) => kind === "loss");
      const told = BROKEN.map(({ number }) => {
        const [finding, ...more] = lost.filter((one) => one.destination === own(addressOf(number)));
        expect(more).toEqual([]);
        return finding;
      });
      expect(lost.length).toBe(BROKEN.length);
      const [none, nobody, route, itself] = told;
      expect(none?.title).toBe(
        own(
          `the bridge sends frames for 10.77.0.21 at ${addressOf(21)} by vxlan0, whose own FDB (VNI 4097) has no remote for it: they end there`,
        ),
      );
      expect(none).toMatchObject({
        ...{ cause: "vxlan-no-remote", basis: "observed", severity: "high", remedy: null },
        where: "vxlan_xmit",
      });
      expect(none?.evidence.join("\n")).toContain(
        "a static entry for it at vxlan0, and 10.77.0.21",
      );
      expect(none?.noRemedy).toContain("dev vxlan0 dst ITS-ADDRESS self permanent");
      expect(nobody?.title).toBe(
        own(
          `vxlan0 (VNI 4097) has ${addressOf(22)} at the remote 198.18.1.77, and nobody has that address on the wire`,
        ),
      );
      expect(nobody).toMatchObject({ cause: "vxlan-wrong-remote", basis: "inferred" });
      const shown = /`(.*)`/.exec(nobody?.evidence.join() ?? "")?.[1] ?? "false";
      expect(run(`${shown} | grep -E 'INCOMPLETE|FAILED'`)).toBe(0);
      expect(route?.title).toContain("192.0.2.77, and there is no route to that");
      expect(itself?.title).toContain("which is this host itself: its frames come back");
      const [silent, ...more] = seen.notes.filter(({ cause }) => cause === "vxlan-wrong-remote");
      expect(more).toEqual([]);
      expect(silent?.text).toContain(
        own(`frames for ${addressOf(25)} left by vxlan0 (VNI 4097) for the remote 198.18.1.2`),
      );
      const moves = seen.findings.find(({ cause }) => cause === "mac-flapping");
      expect(moves?.title).toContain("that is this host itself (198.18.1.1), and what it sends");
      expect(moves?.remedy).toBeNull();
      // It is told once, and not as a note on the state as well.
      expect(about(seen).filter((cause) => cause === "vxlan-no-remote").length).toBe(1);
      expect(about(await look({ probes: false }))).toEqual(["vxlan-no-remote"]);
      await shell(dstOf(21, "198.18.1.2"));
      expect(about(await look({ probes: false }))).toEqual([]);
    });
  });

  it("loses an entry that is put back, and refuses frames of a remote that it then learns", async ({
    expect,
  }) => {
    const set = `${WHOLE} underlay C 3; bridge fdb replace ${FAR} dev vxlan0 dst 198.18.1.3 self permanent
home y-B; ip -n o-B link add veth2 type veth peer name eth0 address ${addressOf(21)} netns y-B
ip -n o-B link set veth2 master br1 up; ip -n y-B addr add 10.77.0.21/16 dev eth0; ip -n y-B link set eth0 up
${half(21)}; ${dstOf(21, "198.18.1.2")}; wait_for "at a ping -q -c 1 -W 1 10.77.0.21 > /dev/null"`;
    const act = "at x-B ping -q -i 0.02 10.77.0.1 & at a ping -q -i 0.02 10.77.0.21";
    await onStage({ set, act }, async (stage) => {
      const { look, shell, own } = stage;
      const whole = await fdb(stage);
      const answer = look({
        onCounting: () => {
          shell(`bridge fdb del ${addressOf(21)} dev vxlan0 dst 198.18.1.2 self`).catch(() => {});
        },
      });
      const seen = await answer;
      const broken = await fdb(stage);
      const gone = the(seen, "loss", "vxlan-no-remote");
      const back = gone.remedy ?? expect.fail(gone.noRemedy ?? "no remedy");
      expect(back.command).toContain(own(dstOf(21, "198.18.1.2")));
      expect(run(back.verify)).not.toBe(0);
      expect(run(back.command)).toBe(0);
      expect(run(back.verify)).toBe(0);
      await shell("at a ping -q -c 1 -W 1 10.77.0.21");
      expect(await fdb(stage)).toBe(whole);
      expect(run(back.undo)).toBe(0);
      expect(await fdb(stage)).toBe(broken);

      const wrong = the(seen, "loss", "vxlan-wrong-remote");
      expect(wrong.title).toBe(
        own(
          `vxlan0 (VNI 4097) has ${FAR} at the remote 198.18.1.3 for good, and its frames come from another one`,
        ),
      );
      expect(wrong).toMatchObject({ basis: "observed", where: "vxlan_rcv" });
      const forget = wrong.remedy ?? expect.fail("no remedy");
      expect(run(forget.verify)).not.toBe(0);
      expect(run(forget.command)).toBe(0);
      expect(run(forget.verify)).toBe(0);
      await shell(own(`wait_for "bridge fdb show dev vxlan0 | grep -q '${FAR} dst 198.18.1.2'"`));
      await shell(reached);
      expect(run(forget.undo)).toBe(0);
      expect(await fdb(stage)).toBe(broken);
    });
  });
});

const ID = "1-k2d9x0f4qv";

describe.concurrent("a Docker network by the name of its namespace", () => {
  it("is looked into as docker keeps it, without a process", async ({ expect }) => {
    const there = `/run/docker/netns/${ID}`;
    const set = `${OVERLAY}
mkdir -p /run/docker/netns; touch ${there}; unshare --net=${there} true
in_it() { nsenter --net=${there} "$@"; }
ip link add eth0 type veth peer name w-A netns wire; ip -n wire link set w-A master sw up
ip addr add 198.18.1.1/24 dev eth0; ip link set eth0 up
ip link add vxlan0 type vxlan id 4097 dstport 4789 local 198.18.1.1 ${DOCKER}; ip link set vxlan0 netns ${there}
in_it ip link add br0 type bridge; in_it ip link set vxlan0 mtu 1450 master br0 up; in_it ip link set br0 mtu 1450 up
home web; ip link add veth0 mtu 1450 type veth peer name eth0 mtu 1450 netns web; ip link set veth0 netns ${there}
in_it ip link set veth0 master br0 up; ip -n web addr add 10.0.1.3/24 dev eth0; ip -n web link set eth0 up
in_it ip neigh replace 10.0.1.4 lladdr 02:42:0a:00:01:04 dev vxlan0 nud permanent
in_it bridge fdb replace 02:42:0a:00:01:04 dev vxlan0 master static`;
    await onStage({ set }, async ({ island, own }) => {
      const enter = ["nsenter", `--target=${island.netns}`, "--mount", "--net", "--pid", "--"];
      const label = `docker namespace ${ID}`;
      const words = ["explain", own("br0"), "--netns", label, "--no-probes", "--json"];
      const { stdout } = await start(words, {}, enter).finished;
      const seen = explainSchema.parse(JSON.parse(stdout));
      expect(seen.bridge.namespace.label).toBe(label);
      expect(seen.ports.map(({ owner }) => owner)).toContain("netns web");
      const [told, ...more] = seen.notes.filter(({ cause }) => cause !== null);
      expect(more).toEqual([]);
      expect(told?.text).toContain("for 10.0.1.4 at 02:42:0a:00:01:04 by vxlan0");
      expect(told?.noRemedy).toContain(
        `nsenter --net=${there} -- bridge fdb replace 02:42:0a:00:01:04 dev vxlan0 dst ITS-ADDRESS`,
      );
    });
  });
});

describe.concurrent("an overlay whose devices learn", () => {
  it("floods to its default remotes, and says what these make of a copy", async ({ expect }) => {
    const set = `${LEARNING} bridge fdb append ${DEFAULT} dev vxlan0 dst 198.18.1.77 self permanent`;
    const act = "at a ping -q -i 0.005 -b 10.77.255.255";
    await onStage({ set, act }, async (stage) => {
      const { look, shell } = stage;
      await shell("at u-A sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=60; sleep 1");
      const before = await fdb(stage);
      // A busy machine sends fewer than 100 in a second.
      const seen = await look({ thresholds: { broadcast: 10 } });
      const storm = the(seen, "flood", "broadcast-storm");
      expect(storm.evidence.join("\n")).toMatch(
        /each copy by vxlan0 leaves the host 2 times, .* 1 of these has nobody there/,
      );
      const [note] = seen.notes.filter(({ cause }) => cause === "vxlan-stale-remote");
      expect(note?.text).toContain("to the remote 198.18.1.77 (one of 2 default remotes)");
      const { command = "", verify = "", undo = "" } = note?.remedy ?? {};
      expect(run(verify)).not.toBe(0);
      expect(run(command)).toBe(0);
      expect(run(verify)).toBe(0);
      expect(about(await look({ probes: false }))).toEqual([]);
      expect(run(undo)).toBe(0);
      expect(await fdb(stage)).toBe(before);
    });
  });

  it("loses its default remote, and with it whom it has not learned", async ({ expect }) => {
    // It asks again and again: of what others get too, a few frames lost are no loss.
    const act = `while :; do ip -n a neigh flush dev eth0; at a ping -q -c 1 -W 0.2 10.77.0.12; done`;
    await onStage({ set: LEARNING, act }, async (stage) => {
      const { look, shell } = stage;
      const before = await fdb(stage);
      const answer = look({
        seconds: 3,
        onCounting: () => {
          shell(`bridge fdb del ${DEFAULT} dev vxlan0 dst 198.18.1.2 self
bridge fdb del ${FAR} dev vxlan0 dst 198.18.1.2 self; bridge fdb del ${FAR} dev vxlan0 master`).catch(
            () => {},
          );
        },
      });
      const told = the(await answer, "loss", "vxlan-no-remote");
      expect(told.title).toContain("vxlan0 (VNI 4097) has no default remote");
      const { command = "", verify = "", undo = "" } = told.remedy ?? {};
      const broken = await fdb(stage);
      expect(run(verify)).not.toBe(0);
      expect(run(command)).toBe(0);
      expect(run(verify)).toBe(0);
      await shell(`wait_for "${reached} > /dev/null"`);
      expect((await fdb(stage)).split("\n")).toContain(before.split("\n")[0]);
      expect(run(undo)).toBe(0);
      expect(broken).not.toContain(DEFAULT);
      expect(await fdb(stage)).not.toContain(DEFAULT);
    });
  });
});

describe.concurrent("flannel's device, which is no port", () => {
  it("is told of where what is routed from the bridge ends there", async ({ expect }) => {
    const NODE = "02:00:00:00:0d:1f";
    const set = `${OVERLAY}
underlay A 1; vxlan A 1 1 flannel.1 1 nolearning; ip addr add 10.77.255.1/16 dev br0
ip addr add 10.244.0.0/32 dev flannel.1; ip link set flannel.1 up
underlay B 2; vxlan B 2 u-B flannel.1 1 nolearning; ip -n u-B link set flannel.1 address ${NODE}
ip -n u-B addr add 10.244.1.0/32 dev flannel.1; ip -n u-B link set flannel.1 up
ip route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink
ip neigh replace 10.244.1.0 lladdr ${NODE} dev flannel.1 nud permanent
bridge fdb append ${NODE} dev flannel.1 dst 198.18.1.2 self permanent
ip -n a route add default via 10.77.255.1; sysctl -qw net.ipv4.ip_forward=1`;
    await onStage({ set }, async ({ look, shell, own }) => {
      expect(about(await look({ probes: false }))).toEqual([]);
      await shell(`bridge fdb del ${NODE} dev flannel.1 dst 198.18.1.2 self
at a ping -q -c 30 -i 0.005 -W 0.1 10.244.1.9 > /dev/null || true`);
      const seen = await look({ probes: false });
      expect(about(seen)).toEqual(["vxlan-no-remote"]);
      const [note] = seen.notes.filter(({ cause }) => cause === "vxlan-no-remote");
      const [, text, dropped] = /^(.*) \(it has dropped (\d+) frames/.exec(note?.text ?? "") ?? [];
      expect(text).toBe(
        own(
          `the host routes to 10.244.1.0 at ${NODE} by flannel.1, which is no port of br0, whose own FDB (VNI 1) has no remote for it: they end there`,
        ),
      );
      expect(Number(dropped)).toBeGreaterThanOrEqual(30);
      await shell(`bridge fdb append ${NODE} dev flannel.1 dst 198.18.1.2 self permanent`);
      expect(about(await look({ probes: false }))).toEqual([]);
    });
  });
});
