/** Bridges as Docker, CNI plugins, libvirt, LXD and Incus make them: nothing is said that their owners would not thank for. */
import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { lintBridges } from "../../../src/explain/lint/lint.ts";
import { cannot } from "../../skipped.ts";
import { type Island, lacking, newIsland } from "../real/island.ts";

/** Bridges and their hosts: `guest BRIDGE NAME` is a container on it, whose port is called as its program calls them. */
const GUESTS = `
guest() {
  ip netns add $2; ip netns exec $2 sleep 7200 > /dev/null 2>&1 &
  ip link add $3 type veth peer name eth0 netns $2
  ip link set $3 master $1 up; ip -n $2 link set lo up; ip -n $2 link set eth0 up; ip -n $2 addr add $4 dev eth0
}
`;
/** Where br_netfilter is, a new namespace shows bridged frames to iptables: Docker wants that. */
const CALLS = "sysctl -qw net.bridge.bridge-nf-call-iptables=1 || true\n";

/** FORWARD as Docker 28 leaves it: what is its own is accepted, and nothing else. */
const DOCKER_RULES = `nft -f - << RULES
table ip filter {
  chain DOCKER-USER { counter return; }
  chain DOCKER-CT { oifname "docker0" ct state related,established counter accept; }
  chain DOCKER-BRIDGE { oifname "docker0" counter jump DOCKER; }
  chain DOCKER { iifname != "docker0" oifname "docker0" counter drop; }
  chain DOCKER-FORWARD {
    counter jump DOCKER-CT
    counter jump DOCKER-BRIDGE
    iifname "docker0" counter accept
  }
  chain FORWARD {
    type filter hook forward priority 0; policy drop;
    counter jump DOCKER-USER
    counter jump DOCKER-FORWARD
  }
}
RULES
`;

const DEFAULTS: Record<string, { bridge: string; set: string }> = {
  docker: {
    bridge: "docker0",
    set: `${DOCKER_RULES}ip link add docker0 address 02:42:6b:11:0d:01 type bridge
ip addr add 172.17.0.1/16 brd 172.17.255.255 dev docker0; ip link set docker0 up
guest docker0 web veth1a2b3c4 172.17.0.2/16; guest docker0 db veth5d6e7f8 172.17.0.3/16`,
  },
  libvirt: {
    bridge: "virbr0",
    set: `ip link add virbr0 address 52:54:00:aa:0d:02 type bridge forward_delay 200 stp_state 1
ip addr add 192.168.122.1/24 brd 192.168.122.255 dev virbr0; ip link set virbr0 up
for n in 0 1; do ip tuntap add vnet$n mode tap; ip link set vnet$n address fe:54:00:0d:00:0$n master virbr0 up; done`,
  },
  LXD: {
    bridge: "lxdbr0",
    set: `ip link add lxdbr0 address 00:16:3e:5d:0d:03 type bridge
ip addr add 10.151.7.1/24 dev lxdbr0; ip addr add fd42:aa:bb:cc::1/64 dev lxdbr0 nodad; ip link set lxdbr0 up
guest lxdbr0 c1 veth0a1b2c3d 10.151.7.10/24; guest lxdbr0 c2 veth4e5f6a7b 10.151.7.11/24`,
  },
  Incus: {
    bridge: "incusbr0",
    set: `nft 'add table inet incus; add chain inet incus fwd.incusbr0 { type filter hook forward priority filter; policy accept; }
add rule inet incus fwd.incusbr0 oifname "incusbr0" accept; add rule inet incus fwd.incusbr0 iifname "incusbr0" accept'
ip link add incusbr0 address 10:66:6a:5d:0d:04 type bridge
ip addr add 10.66.6.1/24 dev incusbr0; ip addr add fd42:11:22:33::1/64 dev incusbr0 nodad; ip link set incusbr0 up
guest incusbr0 c1 veth1c2d3e4f 10.66.6.10/24; guest incusbr0 c2 veth5a6b7c8d 10.66.6.11/24`,
  },
};

let island: Island | null = null;
afterEach(async () => {
  await island?.close();
  island = null;
});

describe.each(Object.entries(DEFAULTS))("%s's bridge", (_, { bridge, set }) => {
  it.each([false, true])("has nothing (--peers %s)", async (peers) => {
    island = await newIsland();
    await island.shell(CALLS + GUESTS + set);
    const { findings } = await lintBridges({ bridge, netns: island.netns, peers });
    expect(findings).toEqual([]);
  });
});

it("another bridge beside Docker's rules has nobody who accepts its frames", async () => {
  island = await newIsland();
  await island.shell(`${CALLS}${DOCKER_RULES}${GUESTS}ip link add mine address 02:00:00:00:0d:05 type bridge; ip link set mine up
guest mine c1 vc1 10.9.0.1/24; guest mine c2 vc2 10.9.0.2/24`);
  const { netns } = island;
  const called = (
    await island.shell("cat /proc/sys/net/bridge/bridge-nf-call-iptables || echo 0")
  ).trim();
  const { findings } = await lintBridges({ bridge: "mine", netns });
  expect(findings.map(({ rule, severity }) => [rule, severity])).toEqual(
    called === "1" ? [["nf-call-forward", "high"]] : [],
  );
  const remedy = findings[0]?.remedy;
  if (remedy == null) return;
  const host = (line: string) => execFileSync("sh", ["-ec", line], { stdio: "pipe" });
  const rules = () => island?.shell("nft list ruleset | sed 's/packets .*bytes [0-9]*//'");
  const before = await rules();
  expect(() => host(remedy.verify)).toThrow();
  host(remedy.command);
  host(remedy.verify);
  expect((await lintBridges({ bridge: "mine", netns })).findings).toEqual([]);
  host(remedy.undo);
  expect(await rules()).toBe(before);
});

const PLUGINS = "/usr/lib/cni";
const without = lacking([`${PLUGINS}/bridge`], "containernetworking-plugins");

describe.skipIf(cannot("the CNI's bridge plugin", without))("a bridge of the CNI's", () => {
  const CONFIGURATION = JSON.stringify({
    ...{ cniVersion: "0.4.0", name: "test", type: "bridge", bridge: "cni0", isGateway: true },
    ipam: { type: "host-local", subnet: "10.44.0.0/24" },
  });

  it("has at most an address that it has borrowed, which is so, and is severe for nobody", async () => {
    island = await newIsland();
    for (const name of ["one", "two"]) {
      await island.shell(`ip netns add ${name}; echo '${CONFIGURATION}' | CNI_COMMAND=ADD CNI_CONTAINERID=${name} \
CNI_NETNS=/run/netns/${name} CNI_IFNAME=eth0 CNI_PATH=${PLUGINS} ${PLUGINS}/bridge`);
    }
    const { netns } = island;
    const { findings } = await lintBridges({ bridge: "cni0", netns, peers: true });
    const type = "mount -t sysfs sysfs /sys && cat /sys/class/net/cni0/addr_assign_type";
    const borrowed = (await island.shell(type)).trim() !== "3";
    expect(findings.map(({ rule, severity }) => [rule, severity])).toEqual(
      borrowed ? [["mac-unpinned", "medium"]] : [],
    );
  });
});
