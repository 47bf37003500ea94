/** Bridges that nobody has to worry about, as they are on real networks: none of them may give a finding. */
import { describe, it } from "vitest";
import { FULL } from "../../full.ts";
import { onStage, type Scene, type Sent } from "./stage.ts";
import { EVERYBODY, ethernet, MDNS_QUERY, mdns6, routerAdvertisement, udp4, vrrp } from "./wire.ts";

const mac = (number: number) => `02:00:00:00:0d:0${number}`;
const NOBODY = "02:00:00:00:99:99";

interface Mix extends Scene {
  /** Fewest frames that came in by ports of the bridge, so that there was something to see; 20 when absent. */
  least?: number;
  seconds?: number;
}

const forever = (act: string) => `while :; do ${act}; done`;
const ping = (from: string, to: string, seconds = 0.02) => `at ${from} ping -q -i ${seconds} ${to}`;

/** Each is born, asks for its neighbours, and goes. */
const births = (number: number) => `
for i in $(seq ${number}); do
  ip netns add t$i
  ip link add vt$i type veth peer name eth0 netns t$i
  ip link set vt$i master br0 up
  ip -n t$i link set eth0 up; ip -n t$i addr add 10.77.9.$((i % 250 + 1))/16 dev eth0
  at t$i ping -q -c 5 -i 0.01 10.77.0.254
  at t$i ping -q -c 5 -i 0.01 10.77.0.1
  ip netns del t$i
done`;
const BIRTHS: Mix = {
  set: "ip addr add 10.77.0.254/16 dev br0",
  act: births(40),
  seconds: 60,
  untilDone: true,
  least: 400,
};

/** Answers whoever connects, and who connects to it again and again. */
const SERVER =
  'require("node:net").createServer((one) => one.on("error", () => {}).end("x")).listen(80)';
const CALLER =
  '(function call() { require("node:net").connect(80, "10.77.0.2").on("error", () => {}).resume().on("close", () => setTimeout(call, 2)); })()';
const node = (program: string) => `${process.execPath} -e '${program}'`;

const GROUP = { mac: "01:00:5e:01:02:03", ip: "239.1.2.3" };
const A = { mac: mac(1), ip: "10.77.0.1" };
const MDNS = { mac: "01:00:5e:00:00:fb", ip: "224.0.0.251" };
/** A querier whose queries have been out for as long as it waits before it trusts what it heard (a second, where it was told so before). */
const QUERIER = `ip link set br0 type bridge mcast_query_response_interval 100
ip link set br0 type bridge mcast_querier 1; sleep 2.5`;
/** `virtual HOST` makes it the master of virtual router 1. */
const VIRTUAL = `virtual() {
  ip -n $1 link set vrrp up; ip -n $1 neigh flush dev vrrp; at $1 ping -q -c 1 -I vrrp 10.77.0.3
}`;

const MIXES: Record<string, Mix> = {
  "containers that are born, talk and go": BIRTHS,
  "iperf3 over TCP and over UDP": {
    act: `at b iperf3 -s -p 1 & at c iperf3 -s -p 2 & sleep 0.5
at a iperf3 -c 10.77.0.2 -p 1 -t 60 -b 50M & at a iperf3 -c 10.77.0.3 -p 2 -t 60 -u -b 10M & wait`,
    least: 1000,
  },
  "many short TCP connections": {
    act: `at b ${node(SERVER)} & sleep 0.3; at a ${node(CALLER)} & at c ${node(CALLER)} & wait`,
    least: 500,
  },
  "hosts that look for services by mDNS": {
    set: "for one in a b c; do ip -n $one addr add 224.0.0.251/32 dev eth0 autojoin; done",
    sent: [1, 2, 3].flatMap((number) => {
      const netns = ["a", "b", "c"][number - 1] ?? "";
      const from = { mac: mac(number), ip: `10.77.0.${number}` };
      return [
        { netns, everyMs: 200, frame: udp4(from, MDNS, MDNS_QUERY) },
        { netns, everyMs: 200, frame: mdns6(mac(number)) },
      ];
    }),
  },
  "IPv6 neighbours that are asked for, and a router that tells of itself": {
    act: forever("ip -n a neigh flush dev eth0; at a ping -q -c 10 -i 0.01 fd77::2"),
    sent: [{ netns: "c", everyMs: 300, frame: routerAdvertisement(mac(3)) }],
  },
  "clients that ask for a DHCP server": {
    sent: ["a", "b", "c"].map((netns, index) => ({
      netns,
      everyMs: 150,
      frame: udp4(
        { mac: mac(index + 1), ip: "0.0.0.0", port: 68 },
        { mac: EVERYBODY, ip: "255.255.255.255", port: 67 },
        Buffer.alloc(300),
      ),
    })),
  },
  "a virtual router that moves to another host": {
    set: `for one in a b; do
  ip -n $one link add vrrp link eth0 address 00:00:5e:00:01:01 type macvlan mode bridge
  ip -n $one addr add 10.77.0.100/16 dev vrrp
done
${VIRTUAL}; virtual a`,
    act: `${VIRTUAL}; ${ping("c", "10.77.0.100")} & sleep 1; ip -n a link set vrrp down; virtual b; wait`,
    // Of one that is down, none leave.
    sent: ["a", "b"].map((netns, index) => ({
      ...{ netns, device: "vrrp", everyMs: 200 },
      frame: vrrp(`10.77.0.${index + 1}`),
    })),
  },
  "a ring of three bridges whose spanning tree blocks a port": {
    set: `ip link set br0 type bridge stp_state 1 forward_delay 200 priority 65000
for n in 1 2; do
  home s$n
  ip -n s$n link add br$n type bridge stp_state 1 forward_delay 200; ip -n s$n link set br$n up
  ip link add c$n type veth peer name up netns s$n; ip link set c$n master br0 up
done
ip -n s1 link add ring type veth peer name ring netns s2
for n in 1 2; do for port in up ring; do ip -n s$n link set dev $port master br$n up; done; done
home far; ip -n s2 link add v-far type veth peer name eth0 netns far; ip -n s2 link set v-far master br2 up
ip -n far link set eth0 up; ip -n far addr add 10.77.0.9/16 dev eth0
wait_for "bridge link | grep -q 'master br0 state blocking'"
wait_for "at a ping -q -c 1 -W 1 10.77.0.9 > /dev/null"`,
    act: `${ping("a", "10.77.0.9")} & ${ping("a", "10.77.0.2")}`,
  },
  "macvlan children of a host": {
    set: `for n in 1 2; do
  ip -n b link add m$n link eth0 type macvlan mode bridge; ip -n b link set m$n up; ip -n b addr add 10.77.0.2$n/16 dev m$n
done`,
    act: `${ping("a", "10.77.0.21")} & ${ping("c", "10.77.0.22")}`,
  },
  "an uplink that hears its neighbours' frames": {
    set: `home lan; ip -n lan link add hub type bridge ageing_time 0; ip -n lan link set hub up
ip link add uplink type veth peer name u netns lan; ip -n lan link set u master hub up; ip link set uplink master br0 up
for n in 7 8; do
  home n$n; ip -n lan link add v-n$n type veth peer name eth0 netns n$n; ip -n lan link set v-n$n master hub up
  ip -n n$n link set eth0 up; ip -n n$n addr add 10.77.0.$n/16 dev eth0
done
wait_for "at n7 ping -q -c 1 -W 1 10.77.0.8 > /dev/null"`,
    act: `${ping("n7", "10.77.0.8", 0.005)} & ${ping("a", "10.77.0.7")}`,
    least: 200,
  },
  "a policy that forbids two hosts to talk, and one of them tries on": {
    set: `sysctl -qw net.bridge.bridge-nf-call-iptables=1
at a ping -q -c 1 10.77.0.2 > /dev/null
nft 'add table ip net; add chain ip net forward { type filter hook forward priority 0; }'
nft 'add rule ip net forward ip saddr 10.77.0.1 ip daddr 10.77.0.2 counter drop'`,
    act: `${ping("a", "10.77.0.2")} & ${ping("a", "10.77.0.3")}`,
  },
  "children of a host that talk by way of a hairpin port": {
    set: `bridge link set dev v-b hairpin on
for n in 1 2; do
  home m$n; ip -n b link add m$n link eth0 type macvlan mode vepa; ip -n b link set m$n netns m$n
  ip -n m$n link set m$n up; ip -n m$n addr add 10.77.0.2$n/16 dev m$n
done`,
    act: ping("m1", "10.77.0.22"),
  },
  "isolated ports that ask for each other": {
    set: "bridge link set dev v-a isolated on; bridge link set dev v-b isolated on",
    act: `${ping("a", "10.77.0.2", 0.2)} & ${ping("a", "10.77.0.3")} & ${ping("b", "10.77.0.3")}`,
  },
  "a stream to a group that a host has joined, with a querier": {
    set: `${QUERIER}; ip -n b addr add 239.1.2.3/32 dev eth0 autojoin
wait_for "bridge mdb | grep -q 239.1.2.3"`,
    sent: [{ netns: "a", everyMs: 4, frame: udp4(A, GROUP, Buffer.alloc(200)) }],
    least: 200,
  },
  "a stream to an IPv6 group that a host has joined, with a querier": {
    set: `wait_for "ip -6 addr show dev br0 | grep -v tentative | grep -q fe80"; ${QUERIER}
ip -n b addr add ff15::1234/128 dev eth0 autojoin; wait_for "bridge mdb | grep -q ff15::1234"`,
    act: `at a ping -q -i 0.005 -I eth0 ff15::1234`,
    least: 200,
  },
  "a port that flaps": {
    act: `${ping("a", "10.77.0.2")} & ${forever("ip link set v-c down; sleep 0.1; ip link set v-c up; at a ping -q -c 20 -i 0.02 10.77.0.3")}`,
  },
  "a container that changes its address and says so": {
    act: `${ping("a", "10.77.0.2")} &
n=10; while :; do n=$((n + 1))
  ip -n b link set eth0 down; ip -n b link set eth0 address 02:00:00:00:0e:$n up
  ip -n b neigh flush dev eth0; at b ping -q -c 1 10.77.0.1; sleep 0.8
done`,
  },
  "a virtual machine that moves to another port": {
    set: `host d 4; ip -n d link set eth0 down; ip -n d link set eth0 address ${mac(2)}
ip -n d addr flush dev eth0; at d sysctl -qw net.ipv4.conf.eth0.arp_notify=1`,
    act: `${ping("a", "10.77.0.2")} & sleep 1
ip -n b link set eth0 down; ip -n d addr add 10.77.0.2/16 dev eth0; ip -n d link set eth0 up; wait`,
  },
  "a host with two addresses": {
    set: "ip -n b addr add 10.77.0.20/16 dev eth0; ip addr add 10.77.0.254/16 dev br0",
    act: `${ping("a", "10.77.0.20")} & ${ping("c", "10.77.0.2")} & ping -q -i 0.02 10.77.0.20`,
  },
  "hosts that say a word now and then, long after their entries aged": {
    set: "ip link set br0 type bridge ageing_time 50",
    act: `${ping("a", "10.77.0.2", 0.8)} & ${ping("b", "10.77.0.3", 0.7)} & ${ping("c", "10.77.0.1")}`,
  },
  "frames that no bridge may forward": {
    sent: ["02", "03", "0e"].map((last, index) => ({
      netns: "b",
      everyMs: 5 + index,
      frame: ethernet(`01:80:c2:00:00:${last}`, mac(2), 0x88cc, Buffer.alloc(46)),
    })),
  },
  "groups that are no IP": {
    sent: [
      {
        netns: "b",
        everyMs: 125,
        frame: ethernet("01:1b:19:00:00:00", mac(2), 0x88f7, Buffer.alloc(46)),
      },
      {
        netns: "c",
        everyMs: 125,
        frame: ethernet("01:00:0c:cc:cc:cc", mac(3), 0x2000, Buffer.alloc(46)),
      },
    ],
  },
  "tcpdump on a bridge that hosts talk over": {
    act: `tcpdump -ni br0 -w /dev/null & ${ping("a", "10.77.0.2", 0.005)} & ${ping("c", "10.77.0.2")}`,
    least: 200,
  },
  "an overlay with a default remote": {
    set: `home other; ip link add under type veth peer name under netns other
ip addr add 192.0.2.1/30 dev under; ip link set under up
ip -n other addr add 192.0.2.2/30 dev under; ip -n other link set under up
ip link add vx type vxlan id 7 dstport 4789 local 192.0.2.1 remote 192.0.2.2; ip link set vx master br0 up
ip -n other link add vx type vxlan id 7 dstport 4789 local 192.0.2.2 remote 192.0.2.1
ip -n other link add br1 type bridge; ip -n other link set br1 up; ip -n other link set vx master br1 up
home x; ip -n other link add v-x type veth peer name eth0 netns x; ip -n other link set v-x master br1 up
ip -n x addr add 10.77.0.8/16 dev eth0; ip -n x link set eth0 up
wait_for "at a ping -q -c 1 -W 1 10.77.0.8 > /dev/null"`,
    act: `${ping("a", "10.77.0.8")} & ${ping("b", "10.77.0.2")}`,
  },
  "another bridge of the same name, whose hosts have the same addresses, that comes and goes": {
    act: `${ping("a", "10.77.0.2")} & ${ping("c", "10.77.0.2")} &
while :; do
  ip netns add other; ip -n other link add br0 type bridge; ip -n other link set br0 up
  for n in 1 2 3; do
    ip -n other link add v$n type veth peer name e$n address 02:00:00:00:0d:0$n
    ip -n other link set v$n master br0 up; ip -n other link set e$n up
  done
  sleep 0.3; ip netns del other
done`,
  },
  "a host that looks whether its neighbours are there": {
    act: forever(
      "for n in $(seq 100 250); do at a ping -q -c 1 -W 1 10.77.3.$n & sleep 0.05; done",
    ),
  },
};

interface Looked {
  findings: string[];
  /** That came in by the bridge's ports meanwhile. */
  frames: number;
}

/** Looks at a mix's bridge while it goes on, and gives what was found; `flood` beside it is what it should find. */
async function lookAt(mix: Mix, flood: boolean): Promise<Looked> {
  const sent: Sent[] = [...(mix.sent ?? [])];
  if (flood) sent.push({ netns: "a", everyMs: 5, frame: FLOOD });
  const seconds = flood ? 1.5 : (mix.seconds ?? 2);
  return onStage({ ...mix, sent }, async ({ look, received }) => {
    const before = await received();
    const { findings } = await look({ seconds });
    return {
      // What somebody has asked for is told, and is nothing above threshold.
      findings: findings
        .filter(({ kind }) => kind !== "policy")
        .map(({ kind, cause, destination, title, victims, evidence }) => {
          const got = victims.map(({ port, copies }) => `${port.name} ${copies}`);
          const why = kind === "loss" ? ` (${evidence.join("; ")})` : "";
          return `${kind} ${cause} ${destination} to ${got.join(", ")}: ${title}${why}`;
        }),
      frames: (await received()) - before,
    };
  });
}

const FLOOD = ethernet(NOBODY, mac(1), 0x88b5, Buffer.alloc(46));

describe.concurrent("no flood or loss above threshold is found in", () => {
  it.for(Object.entries(MIXES))("%s", async ([, mix], { expect }) => {
    const { findings, frames } = await lookAt(mix, false);
    expect(findings).toEqual([]);
    // Ports that are gone have taken their counters with them.
    if (!mix.untilDone) expect(frames).toBeGreaterThanOrEqual(mix.least ?? 20);
  });

  it("500 containers that are born, talk and go", FULL, async ({ expect }) => {
    const { findings } = await lookAt({ ...BIRTHS, act: births(500), seconds: 600 }, false);
    expect(findings).toEqual([]);
  });
});

describe.concurrent("a flood is found beside", () => {
  const found = async (
    [, mix]: [string, Mix],
    { expect }: { expect: typeof import("vitest").expect },
  ) => {
    const { findings } = await lookAt({ ...mix, untilDone: false }, true);
    expect(findings).toEqual([expect.stringContaining(NOBODY)]);
  };
  const [first, ...others] = Object.entries(MIXES);
  if (first !== undefined) it.for([first])("%s", found);
  it.for(others)("%s", FULL, found);
});
