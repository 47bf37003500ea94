/** Each rule of lint on the kernel: what it is about is found, what only looks like it is not, and the remedy ends it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { LintFinding, LintRule } from "../../../src/document/lint.ts";
import { lintBridges } from "../../../src/explain/lint/lint.ts";
import { onStage, type Stage } from "../explain/stage.ts";

interface Scene {
  rule: LintRule;
  severity: LintFinding["severity"];
  /** Shell that makes br0, which has the hosts a, b and c, what the rule is about. */
  set: string;
  /** Shell that makes of another such bridge what only looks like it. */
  near: string;
  peers?: boolean;
  /** There is a command; otherwise words of why there is none, or null where nobody expects one. */
  remedy: "command" | RegExp | null;
  /** Taking it back does not bring the finding back. */
  stays?: boolean;
}

/** Nothing is sent that could go round. */
const QUIET = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1\n";
const CABLES = `${QUIET}ip link add inner type bridge STP; ip link set inner up
for n in 1 2; do ip link add x$n type veth peer name y$n; ip link set y$n master inner up; ip link set x$n master br0 up; done
`;
/** A querier that is trusted by now, and a host that tells nobody what it has joined. */
const SNOOPING = `at b nft 'add table inet f; add chain inet f o { type filter hook output priority 0; }
add rule inet f o icmpv6 type { mld-listener-report, mld2-listener-report } REPORTS'
ip -n b addr add fd77::b2/64 dev eth0 nodad
ip addr add fe80::b/64 dev br0 nodad
ip link set br0 type bridge mcast_query_response_interval 100
ip link set br0 type bridge mcast_querier 1; sleep 2.5
`;
/** `listener HOST NAME`: a program of that name has a socket for LLDP at its eth0, and has joined the group through it. */
const LISTENER = `listener() {
  ip netns exec $1 python3 -c 'import socket, struct, time
open("/proc/self/comm", "w").write("'$2'")
heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88cc))
heard.bind(("eth0", 0x88cc))
group = bytes.fromhex("0180c200000e0000")
heard.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex("eth0"), 0, 6, group))
time.sleep(7200)' > /dev/null 2>&1 &
  wait_for "at $1 grep -q 0180c200000e /proc/net/dev_mcast"
}
`;
const OVERLAY = `ip addr add 192.0.2.1/32 dev lo
ip link add vx0 type vxlan id 42 local 192.0.2.1 dstport 4789 nolearning
ip link set vx0 master br0 up
`;

const SCENES: Scene[] = [
  {
    ...{ rule: "loop", severity: "high", remedy: "command" },
    set: `${QUIET}ip link add x1 type veth peer name x2; ip link set x1 master br0 up; ip link set x2 master br0 up`,
    near: "ip link add x1 type veth peer name x2; ip link set x1 master br0 up; ip link set x2 up",
  },
  {
    ...{ rule: "loop", severity: "high", remedy: "command" },
    set: CABLES.replace("STP", ""),
    near: CABLES.replace("STP", "stp_state 1"),
  },
  {
    ...{ rule: "ageing-disabled", severity: "medium", remedy: "command" },
    set: "ip link set br0 type bridge ageing_time 0",
    near: "ip link set br0 type bridge ageing_time 0; ip link del v-c",
  },
  {
    ...{ rule: "learning-off", severity: "medium", remedy: "command" },
    set: "bridge link set dev v-b learning off",
    near: "bridge link set dev v-b learning off; bridge fdb replace 02:00:00:00:0d:02 dev v-b master static",
  },
  {
    ...{ rule: "mtu-spread", severity: "medium", remedy: "command", peers: true },
    set: "ip link set v-b mtu 1400",
    near: "for n in a b c; do ip link set v-$n mtu 1400; done",
  },
  {
    ...{ rule: "mac-unpinned", severity: "medium", remedy: "command", stays: true },
    set: "ip addr add 10.77.0.254/16 dev br0",
    near: "ip addr add 10.77.0.254/16 dev br0; ip link set br0 address 02:00:00:00:0d:77",
  },
  {
    ...{ rule: "stp-delay", severity: "medium", remedy: "command" },
    set: "ip link set br0 type bridge stp_state 1",
    near: "ip link set br0 type bridge forward_delay 200 stp_state 1",
  },
  {
    ...{ rule: "destination-gone", severity: "medium", remedy: "command", peers: true },
    set: "ip -n a neigh add 10.77.0.99 lladdr 02:00:00:00:0d:99 dev eth0 nud permanent",
    near: "ip -n a neigh add 10.77.0.2 lladdr 02:00:00:00:0d:02 dev eth0 nud permanent",
  },
  {
    ...{ rule: "duplicate-address", severity: "high", remedy: null, peers: true },
    set: "ip -n b link set eth0 address 02:00:00:00:0d:01",
    near: "ip -n b link add link eth0 name mv0 address 02:00:00:00:0d:21 type macvlan",
  },
  {
    ...{ rule: "duplicate-address", severity: "high", remedy: /whoever gave out/, peers: true },
    set: "ip -n b addr add 10.77.0.1/16 dev eth0",
    near: "ip -n b addr add 10.77.0.1/32 dev lo",
  },
  {
    ...{ rule: "wrong-port", severity: "high", remedy: "command", peers: true },
    set: "bridge fdb replace 02:00:00:00:0d:02 dev v-c master static sticky",
    near: "bridge fdb replace 02:00:00:00:0d:02 dev v-b master static",
  },
  {
    ...{ rule: "vxlan-half-entry", severity: "high", remedy: /bridge fdb replace/ },
    set: `${OVERLAY}bridge fdb add 02:00:00:00:99:01 dev vx0 master static`,
    near: `${OVERLAY}bridge fdb add 02:00:00:00:99:01 dev vx0 master static
bridge fdb add 02:00:00:00:99:01 dev vx0 dst 192.0.2.2 self permanent`,
  },
  {
    ...{ rule: "lldp-stopped", severity: "low", remedy: "command", peers: true },
    set: `${LISTENER}ip -n a maddr add 01:80:c2:00:00:0e dev eth0; listener b lldpad`,
    near: `${LISTENER}ip -n a maddr add 01:80:c2:00:00:0e dev eth0; listener b systemd-network; listener c systemd-network`,
  },
  {
    ...{ rule: "promiscuous", severity: "low", remedy: /promisc off/ },
    set: "ip link set br0 promisc on",
    near: "ip link set v-a promisc on",
  },
  {
    ...{ rule: "snooping-no-member", severity: "high", remedy: "command", peers: true },
    set: SNOOPING.replace("REPORTS", "drop"),
    near: SNOOPING.replace("REPORTS", "accept"),
  },
  {
    ...{ rule: "snooping-no-querier", severity: "high", remedy: /mcast_flood is on again/ },
    set: "sleep 1.5; bridge link set dev v-b mcast_flood off",
    near: "sleep 1.5; bridge link set dev v-b flood off",
  },
];

/** As a person does it: on the host. */
const host = (line: string) => promisify(execFile)("sh", ["-ec", line]);
const holds = (line: string) =>
  host(line).then(
    () => true,
    () => false,
  );

const lint = ({ bridge, island: { netns } }: Stage, peers = false) =>
  lintBridges({ bridge, netns, peers });

const named = async (stage: Stage, { rule, peers }: Scene) =>
  (await lint(stage, peers)).findings.filter((one) => one.rule === rule);

const title = ({ rule }: Scene, index: number) =>
  [`${rule} (${index + 1})`, SCENES[index]] as const;

describe.concurrent.each(SCENES.map(title))("%s", (_, scene) => {
  if (scene === undefined) throw new Error("there is no such scene");

  it("is found, and ends by its remedy where there is one", ({ expect: check }) =>
    onStage({ set: scene.set }, async (stage) => {
      const found = await named(stage, scene);
      check(found.length).toBeGreaterThan(0);
      const [finding] = found;
      check(finding).toMatchObject({ severity: scene.severity, bridge: stage.bridge });
      check(finding?.evidence).not.toEqual([]);
      const remedy = finding?.remedy ?? null;
      if (scene.remedy !== "command") {
        check(remedy).toBeNull();
        if (scene.remedy !== null) check(finding?.noRemedy).toMatch(scene.remedy);
        return;
      }
      if (remedy === null) throw new Error(`no remedy: ${finding?.noRemedy}`);
      check(await holds(remedy.verify)).toBe(false);
      await host(remedy.command);
      check(await holds(remedy.verify)).toBe(true);
      const text = finding?.text;
      const again = async () => (await named(stage, scene)).map((one) => one.text);
      check(await again()).not.toContain(text);
      await host(remedy.undo);
      if (!scene.stays) check((await again()).length).toBe(found.length);
    }));

  it("is not seen in what looks like it", ({ expect: check }) =>
    onStage({ set: scene.near }, async (stage) => {
      check(await named(stage, scene)).toEqual([]);
    }));
});

it("a healthy bridge with hosts has nothing, with and without looking behind its ports", () =>
  onStage(
    { set: "ip link set br0 address 02:00:00:00:0d:77; ip addr add 10.77.0.254/16 dev br0" },
    async (stage) => {
      const plain = await lint(stage);
      expect([plain.findings, plain.ports, plain.bridge?.name]).toEqual([[], 3, stage.bridge]);
      expect(plain.notJudged.map(({ rule }) => rule)).toEqual([
        "duplicate-address",
        "wrong-port",
        "lldp-stopped",
      ]);
      const deep = await lint(stage, true);
      expect([deep.findings, deep.notJudged, deep.peers]).toEqual([[], [], true]);
    },
  ));
