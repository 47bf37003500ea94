/** What the bridge's own state loses: each cause is named, what looks like it is not, and its remedy ends it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, type ExpectStatic, it } from "vitest";
import type { Explanation, Finding } from "../../../../src/document/explain.ts";
import { FULL } from "../../../full.ts";
import { onStage, type Scene, type Stage } from "../stage.ts";
import { EVERYBODY, ethernet } from "../wire.ts";

const mac = (number: number) => `02:00:00:00:0d:0${number}`;
const ping = (from: string, to: string, how = "") =>
  `at ${from} ping -q -i 0.02 ${how} ${to} > /dev/null`;
/** Everybody has an entry, and a knows its neighbours without asking. */
const KNOWN = `at b ping -q -c 1 10.77.0.3 > /dev/null; at a ping -q -c 1 10.77.0.3 > /dev/null
ip -n a neigh replace 10.77.0.2 lladdr ${mac(2)} dev eth0 nud permanent
`;
const SECONDS = 1.2;

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
for one in br0 v-a v-b v-c; do ip link show dev $one | grep -oE "mtu [0-9]+|[<,]UP[,>]"; done
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

/** Exactly that is found; its remedy ends it and can be taken back. */
async function cured(
  stage: Stage,
  { kind, cause, says }: Expected,
  expect: ExpectStatic,
): Promise<void> {
  const { look, own } = stage;
  const explanation = await look({ seconds: SECONDS });
  const [finding, ...more] = told(explanation);
  if (finding === undefined) throw new Error(`nothing was lost: ${JSON.stringify(explanation)}`);
  expect(more.map(({ title }) => title)).toEqual([]);
  expect(finding).toMatchObject({ kind, cause });
  const text = shown([finding.title, ...finding.evidence].join("\n"));
  for (const words of says) expect(text).toContain(own(words));
  const { remedy } = finding;
  if (remedy === null) throw new Error(`${cause} came without a remedy: ${finding.noRemedy}`);
  const before = await settings(stage);
  expect(await holds(remedy.verify)).toBe(false);
  await host(remedy.command);
  expect(await holds(remedy.verify)).toBe(true);
  expect(summary(await look({ seconds: SECONDS }))).toEqual([]);
  await host(remedy.undo);
  expect(await holds(remedy.verify)).toBe(false);
  expect(await settings(stage)).toBe(before);
}

type Told = [Scene, Expected];

const SCENES: Record<string, Told> = {
  "a port whose MTU is smaller than its other end's, beside one that takes them": [
    {
      set: "ip link set v-b mtu 1400; sysctl -qw net.bridge.bridge-nf-call-iptables=0",
      act: `${ping("a", "10.77.0.2", "-M do -s 1450")} & ${ping("a", "10.77.0.3", "-M do -s 1450")} & ${ping("c", "10.77.0.2", "-s 1300")}`,
    },
    {
      ...{ kind: "loss", cause: "mtu" },
      says: [
        "br_dev_queue_push_xmit",
        "port v-b has an MTU of 1400",
        "eth0, which sends them, has 1500",
      ],
    },
  ],
  "a port that listens and learns, while somebody waits": [
    {
      set: "ip link set br0 type bridge stp_state 1 forward_delay 1500; ip link set v-a down; ip link set v-a up",
      sent: [
        { netns: "a", everyMs: 12, frame: ethernet(EVERYBODY, mac(1), 0x88b5, Buffer.alloc(46)) },
      ],
    },
    {
      ...{ kind: "loss", cause: "stp-state" },
      says: ["port v-a is listening", "until 30 s after it came up", "forward_delay 15 s"],
    },
  ],
  "a bridge that keeps LLDP to itself, pause frames being nobody's and STP passing": [
    {
      sent: ["00", "01", "0e"].map((last) => ({
        ...{ netns: "b", everyMs: 12 },
        frame: ethernet(`01:80:c2:00:00:${last}`, mac(2), 0x88cc, Buffer.alloc(46)),
      })),
    },
    {
      ...{ kind: "policy", cause: "link-local" },
      says: ["01:80:c2:00:00:0e (LLDP", "group_fwd_mask of br0 is 0x0, without bit 14 (0x4000)"],
    },
  ],
  "a locked port, beside one that admits its host": [
    {
      set: `bridge link set dev v-a learning off locked on; ip link set v-a type bridge_slave fdb_flush
bridge fdb replace ${mac(3)} dev v-c master static; bridge link set dev v-c locked on`,
      act: ping("c", "10.77.0.2"),
      sent: [
        { netns: "a", everyMs: 12, frame: ethernet(EVERYBODY, mac(1), 0x88b5, Buffer.alloc(46)) },
      ],
    },
    {
      ...{ kind: "policy", cause: "locked-port" },
      says: ["port v-a is locked", `${mac(1)} has no entry`],
    },
  ],
  "two isolated ports, and not by one and another": [
    {
      set: `${KNOWN}bridge link set dev v-a isolated on; bridge link set dev v-b isolated on`,
      act: `${ping("a", "10.77.0.2")} & ${ping("a", "10.77.0.3")}`,
    },
    {
      ...{ kind: "policy", cause: "isolated" },
      says: ["port v-a and port v-b are both isolated"],
    },
  ],
  "a port without a hairpin, behind which two reach each other by the wire": [
    {
      set: `for n in 1 2; do
  home m$n; ip -n b link add m$n link eth0 address 02:00:00:00:0d:b$n type macvlan mode vepa
  ip -n b link set m$n netns m$n; ip -n m$n link set m$n up; ip -n m$n addr add 10.77.0.2$n/16 dev m$n
  at m$n ping -q -c 1 10.77.0.3 > /dev/null
done
ip -n m1 neigh replace 10.77.0.22 lladdr 02:00:00:00:0d:b2 dev m1 nud permanent
ip -n m2 neigh replace 10.77.0.21 lladdr 02:00:00:00:0d:b1 dev m2 nud permanent`,
      act: `${ping("m1", "10.77.0.22")} & ${ping("m1", "10.77.0.3")}`,
    },
    {
      ...{ kind: "loss", cause: "no-hairpin" },
      says: ["macvlan m1 and macvlan m2", "both behind port v-b"],
    },
  ],
  "a port without a hairpin, whose pod sends to itself by its service": [
    {
      set: `ip addr add 10.77.0.254/16 dev br0; ip -n a route add 10.96.0.1/32 via 10.77.0.254
sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.ipv4.ip_forward=1; ping -q -c 1 10.77.0.1 > /dev/null
nft 'add table ip k; add chain ip k pre { type nat hook prerouting priority -100; }
add rule ip k pre ip daddr 10.96.0.1 dnat to 10.77.0.1
add chain ip k post { type nat hook postrouting priority 100; }
add rule ip k post ip saddr 10.77.0.1 ip daddr 10.77.0.1 masquerade'`,
      act: `${ping("a", "10.96.0.1")} & ${ping("a", "10.77.0.3")}`,
    },
    {
      ...{ kind: "loss", cause: "no-hairpin" },
      says: ["port v-a sends to itself by another address"],
    },
  ],
  "a port that is down, to which an entry points that stays": [
    {
      set: `${KNOWN}bridge fdb replace ${mac(2)} dev v-b master static; ip link set v-b down`,
      act: `${ping("a", "10.77.0.2")} & ${ping("a", "10.77.0.3")}`,
    },
    {
      ...{ kind: "loss", cause: "port-down" },
      says: [`the entry of ${mac(2)} points to port v-b, which is down`],
    },
  ],
  "an entry at a port that the host is not behind": [
    {
      set: `${KNOWN}bridge fdb replace ${mac(2)} dev v-c master static sticky`,
      act: `${ping("a", "10.77.0.2")} & ${ping("a", "10.77.0.3")}`,
    },
    {
      ...{ kind: "loss", cause: "wrong-port" },
      says: [
        `the entry of ${mac(2)} points to port v-c`,
        "the host with that address is behind port v-b",
      ],
    },
  ],
};

/** The same causes, by other ways. */
const VARIANTS: Record<string, Told> = {
  "the other end of a port, whose MTU is smaller": [
    {
      set: "ip -n b link set eth0 mtu 1400",
      act: `${ping("a", "10.77.0.2", "-M do -s 1450")} & ${ping("c", "10.77.0.2", "-s 1300")}`,
    },
    {
      ...{ kind: "loss", cause: "mtu" },
      says: ["eth0, the other end of port v-b, has an MTU of 1400"],
    },
  ],
  "br_netfilter, which lets no VLAN tag's worth more pass": [
    {
      set: "ip link set v-b mtu 1400; sysctl -qw net.bridge.bridge-nf-call-iptables=1",
      act: `${ping("a", "10.77.0.2", "-M do -s 1373")} & ${ping("a", "10.77.0.3", "-M do -s 1373")}`,
    },
    { kind: "loss", cause: "mtu", says: ["br_nf_dev_queue_xmit"] },
  ],
  "a port that somebody has disabled, and not by one that is down": [
    {
      set: "ip link set v-c down; bridge link set dev v-a state 0",
      act: ping("c", "10.77.0.2"),
      sent: [
        { netns: "a", everyMs: 12, frame: ethernet(EVERYBODY, mac(1), 0x88b5, Buffer.alloc(46)) },
      ],
    },
    {
      ...{ kind: "policy", cause: "stp-state" },
      says: ["port v-a is disabled", "somebody has set that"],
    },
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
