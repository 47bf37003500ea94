/** What the bridge's own state loses: each cause is named, what looks like it is not, and its remedy ends it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, type ExpectStatic, it } from "vitest";
import type { Explanation, Finding } from "../../../../src/document/explain.ts";
import { FULL } from "../../../full.ts";
import { onStage, type Scene, type Stage } from "../stage.ts";
import { EVERYBODY, ethernet } from "../wire.ts";

const mac = (number: number) => `02:00:00:00:0d:0${number}`;
const broadcast = (from: number) => ethernet(EVERYBODY, mac(from), 0x88b5, Buffer.alloc(46));
const ping = (from: string, to: string, how = "") =>
  `at ${from} ping -q -i 0.04 ${how} ${to} > /dev/null`;
const SECONDS = 1.5;

/** As a person does it: on the host. */
const host = (line: string) => promisify(execFile)("sh", ["-ec", line]);
const holds = (line: string) =>
  host(line).then(
    () => true,
    () => false,
  );

/** What somebody has set; the state of a port that waits is nobody's. */
async function settings({ shell }: Stage): Promise<string> {
  const shown = await shell(`
ip -d link show type bridge | grep -oE "(stp_state|forward_delay|group_fwd_mask) [^ ]+"
ip -o link | grep -oE "^[0-9]+: [^ ]+|mtu [0-9]+|[<,]UP[,>]"
for one in a b c; do ip -n $one link show dev eth0 | grep -oE "mtu [0-9]+|[<,]UP[,>]"; done
bridge -d link show; bridge fdb show br br0 | grep -E " static" | sort`);
  return shown.replace(/ state (?:listening|learning|forwarding)\b/g, "");
}

/** Names of owners are those of processes here. */
function shown(text: string): string {
  return text.replace(/ \(pid \d+ \(sleep\)\)/g, "");
}

function told({ findings }: Explanation): Finding[] {
  return findings.filter(({ kind }) => kind !== "flood");
}

function summary(explanation: Explanation): string[] {
  return told(explanation).map(({ kind, cause, title }) => `${kind} ${cause}: ${shown(title)}`);
}

interface Expected {
  kind: "loss" | "policy";
  cause: Finding["cause"];
  /** Words of the title, and of the evidence. */
  says: string[];
}

/** Exactly that is found; the remedies end it and can be taken back. */
async function cured(
  stage: Stage,
  expected: readonly Expected[],
  expect: ExpectStatic,
): Promise<void> {
  const { look, own } = stage;
  const findings = told(await look({ seconds: SECONDS }));
  const named = findings.map(({ kind, cause }) => `${kind} ${cause}`);
  expect(named.sort()).toEqual(expected.map(({ kind, cause }) => `${kind} ${cause}`).sort());
  const before = await settings(stage);
  const remedies = expected.map(({ cause, says }) => {
    const texts = findings
      .filter((finding) => finding.cause === cause)
      .map(({ title, evidence }) => shown([title, ...evidence].join("\n")));
    const at = texts.findIndex((text) => says.every((words) => text.includes(own(words))));
    expect(at, `${texts.join("\n")}\ndoes not say ${says.join(" and ")}`).not.toBe(-1);
    const { remedy, noRemedy } = findings.filter((finding) => finding.cause === cause)[at] ?? {};
    if (remedy == null) throw new Error(`${cause} came without a remedy: ${noRemedy}`);
    return remedy;
  });
  for (const { command, verify } of remedies) {
    expect(await holds(verify), verify).toBe(false);
    await host(command);
    expect(await holds(verify), verify).toBe(true);
  }
  expect(summary(await look({ seconds: SECONDS }))).toEqual([]);
  for (const { undo, verify } of remedies.reverse()) {
    await host(undo);
    expect(await holds(verify), verify).toBe(false);
  }
  expect(await settings(stage)).toBe(before);
}

type Told = [Scene, Expected[]];

/** Hosts d to i, and m1 and m2, macvlans behind g that send to each other by the wire. */
const MANY = `host d 4; host e 5; host f 6; host g 7; host h 8; host i 9
for n in 1 2; do
  home m$n; ip -n g link add m$n link eth0 address 02:00:00:00:0d:b$n type macvlan mode vepa
  ip -n g link set m$n netns m$n; ip -n m$n link set m$n up; ip -n m$n addr add 10.77.0.2$n/16 dev m$n
  at m$n ping -q -c 1 10.77.0.3 > /dev/null
done
ip -n m1 neigh replace 10.77.0.22 lladdr 02:00:00:00:0d:b2 dev m1 nud permanent
ip -n m2 neigh replace 10.77.0.21 lladdr 02:00:00:00:0d:b1 dev m2 nud permanent
for n in 2 8 9; do ip -n a neigh replace 10.77.0.$n lladdr 02:00:00:00:0d:0$n dev eth0 nud permanent; done
ip -n e neigh replace 10.77.0.6 lladdr ${mac(6)} dev eth0 nud permanent
ip addr add 10.77.0.254/16 dev br0; ip -n c route add 10.96.0.1/32 via 10.77.0.254
for one in a b c e f; do at $one ping -q -c 1 10.77.0.254 > /dev/null; done
`;
/** c is a service, too. */
const SERVICE = `sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.ipv4.ip_forward=1
nft 'add table ip k; add chain ip k pre { type nat hook prerouting priority -100; }
add rule ip k pre ip daddr 10.96.0.1 dnat to 10.77.0.3
add chain ip k post { type nat hook postrouting priority 100; }
add rule ip k post ip saddr 10.77.0.3 ip daddr 10.77.0.3 masquerade'
`;

const SCENES: Record<string, Told> = {
  "ports of nine hosts, each in its own way, beside what passes": [
    {
      set: `${MANY}${SERVICE}ip link set v-b mtu 1400
bridge link set dev v-d learning off locked on; ip link set v-d type bridge_slave fdb_flush
bridge link set dev v-e isolated on; bridge link set dev v-f isolated on
bridge fdb replace ${mac(8)} dev v-h master static; ip link set v-h down
bridge fdb replace ${mac(9)} dev v-c master static sticky
bridge fdb replace ${mac(1)} dev v-a master static; bridge link set dev v-a locked on`,
      act: `${ping("a", "10.77.0.2", "-M do -s 1450")} & ${ping("a", "10.77.0.3", "-M do -s 1450")} & ${ping("c", "10.77.0.2", "-s 1300")} &
${ping("e", "10.77.0.6")} & ${ping("e", "10.77.0.3")} & ${ping("m1", "10.77.0.22")} & ${ping("m1", "10.77.0.3")} &
${ping("a", "10.77.0.8")} & ${ping("a", "10.77.0.9")} & ${ping("c", "10.96.0.1")}`,
      sent: [
        { netns: "d", everyMs: 20, frame: broadcast(4) },
        ...["00", "01", "0e"].map((last) => ({
          ...{ netns: "b", everyMs: 20 },
          frame: ethernet(`01:80:c2:00:00:${last}`, mac(2), 0x88cc, Buffer.alloc(46)),
        })),
      ],
    },
    [
      {
        ...{ kind: "loss", cause: "mtu" },
        says: ["port v-b has an MTU of 1400", "eth0, which sends them, has 1500"],
      },
      {
        ...{ kind: "policy", cause: "locked-port" },
        says: ["port v-d is locked", `${mac(4)} has no entry`],
      },
      {
        ...{ kind: "policy", cause: "isolated" },
        says: ["port v-e and port v-f are both isolated"],
      },
      {
        ...{ kind: "loss", cause: "no-hairpin" },
        says: ["macvlan m1 and macvlan m2", "both behind port v-g"],
      },
      {
        ...{ kind: "loss", cause: "no-hairpin" },
        says: ["port v-c sends to itself by another address"],
      },
      {
        ...{ kind: "loss", cause: "port-down" },
        says: [`the entry of ${mac(8)} points to port v-h, which is down`],
      },
      {
        ...{ kind: "loss", cause: "wrong-port" },
        says: [
          `the entry of ${mac(9)} points to port v-c`,
          "the host with that address is behind port v-i",
        ],
      },
      {
        ...{ kind: "policy", cause: "link-local" },
        says: ["01:80:c2:00:00:0e (LLDP", "group_fwd_mask of br0 is 0x0, without bit 14 (0x4000)"],
      },
    ],
  ],
  "a port that listens and learns, while somebody waits": [
    {
      set: "ip link set br0 type bridge stp_state 1 forward_delay 1500; ip link set v-a down; ip link set v-a up",
      sent: [{ netns: "a", everyMs: 20, frame: broadcast(1) }],
    },
    [
      {
        ...{ kind: "loss", cause: "stp-state" },
        says: ["port v-a is listening", "until 30 s after it came up", "forward_delay 15 s"],
      },
    ],
  ],
};

/** The same causes, by other ways. */
const VARIANTS: Record<string, Told> = {
  "the other end of a port, whose MTU is smaller": [
    {
      set: "ip -n b link set eth0 mtu 1400",
      act: `${ping("a", "10.77.0.2", "-M do -s 1450")} & ${ping("c", "10.77.0.2", "-s 1300")}`,
    },
    [
      {
        ...{ kind: "loss", cause: "mtu" },
        says: ["eth0, the other end of port v-b, has an MTU of 1400"],
      },
    ],
  ],
  "a port's MTU where br_netfilter is off, which lets a VLAN tag's worth more pass": [
    {
      set: "ip link set v-b mtu 1400; sysctl -qw net.bridge.bridge-nf-call-iptables=0",
      act: `${ping("a", "10.77.0.2", "-M do -s 1377")} & ${ping("c", "10.77.0.2", "-M do -s 1376")}`,
    },
    [
      {
        ...{ kind: "loss", cause: "mtu" },
        says: ["br_dev_queue_push_xmit", "the longest has 1405 bytes after its Ethernet header"],
      },
    ],
  ],
  "a port that somebody has disabled, and not by one that is down": [
    {
      set: "ip link set v-c down; bridge link set dev v-a state 0",
      act: ping("c", "10.77.0.2"),
      sent: [{ netns: "a", everyMs: 20, frame: broadcast(1) }],
    },
    [
      {
        ...{ kind: "policy", cause: "stp-state" },
        says: ["port v-a is disabled", "somebody has set that"],
      },
    ],
  ],
};

describe.concurrent("frames are lost by", () => {
  const found = ([, [scene, expected]]: [string, Told], { expect }: { expect: ExpectStatic }) =>
    onStage(scene, (stage) => cured(stage, expected, expect));
  it.for(Object.entries(SCENES))("%s", found);
  it.for(Object.entries(VARIANTS))("%s", FULL, found);

  it("what returns frames of the bridge's own, which has no remedy of one command", ({ expect }) =>
    onStage(
      {
        set: `ip addr add 10.77.0.254/16 dev br0; tc -n b qdisc add dev eth0 ingress
tc -n b filter add dev eth0 ingress protocol ip u32 match u32 0 0 action mirred egress mirror dev eth0`,
        act: "ping -q -i 0.02 10.77.0.2 > /dev/null & ping -q -i 0.02 10.77.0.3 > /dev/null",
      },
      async ({ look, own, shell }) => {
        const explanation = await look({ seconds: SECONDS });
        expect(summary(explanation)).toEqual([
          expect.stringContaining(own("come back by port v-b")),
        ]);
        expect(told(explanation)).toMatchObject([{ kind: "loss", cause: "own-address" }]);
        await shell("tc -n b qdisc del dev eth0 ingress");
        expect(summary(await look({ seconds: SECONDS }))).toEqual([]);
      },
    ));
});
