import { execFileSync } from "node:child_process";
import { closeNamespace, openPath } from "../../../src/system/netns.ts";
import { openPacketSocket } from "../../../src/system/packet-socket.ts";
import { type Home, homes } from "../live/home.ts";

export type HostName = "a" | "b" | "c";
const HOSTS: HostName[] = ["a", "b", "c"];

export interface Frames {
  from: HostName;
  /** Their source address where it is not the sender's own. */
  source?: string;
  to: string;
  count?: number;
  /** IPv4 group that they are for; 239.1.2.3 where none is given. */
  group?: string;
  /** 0x0800 where none is given; of others only how many there are is looked at. */
  etherType?: number;
  /** VLAN that they are tagged with. */
  vlan?: number;
  /** How long to wait for one that may still come. */
  settleMs?: number;
}

/** Hosts a, b and c on the ports pa, pb and pc of br0; nobody has said anything yet. */
export interface FloodLab {
  bridge: Home;
  hosts: Record<HostName, Home>;
  /** Runs a line of shell in the bridge's namespace, or a host's. */
  shell(line: string, at?: HostName): string;
  /** Sends frames from a host's device; how many of them another host's device got. */
  got(by: HostName, frames: Frames): number;
  /** The bridge's own entries and those of its ports. */
  local(): string;
  /** What somebody has set: options, port states and flags, entries that do not age, neighbours that were set by hand. */
  settings(): string;
  /** Who of the hosts does not answer whom. */
  unreached(): string[];
  leave(): Promise<void>;
}

const ETH_P_IP = 0x0800;
const ETH_P_8021Q = 0x8100;
/** 10.77.0.1 to 239.1.2.3, UDP: only of IP frames does a bridge ask who joined the group. */
const IP_HEADER = Buffer.from("4500002e000000000111be6d0a4d0001ef010203", "hex");

function ipHeader(group: string): Buffer {
  const header = Buffer.from(IP_HEADER);
  Buffer.from(group.split(".").map(Number)).copy(header, 16);
  header.writeUInt16BE(0, 10);
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  header.writeUInt16BE(0xffff - ((sum & 0xffff) + (sum >> 16)), 10);
  return header;
}
const SETTLE_MS = 150;

export function macOf(host: HostName): string {
  return `02:00:00:00:0b:0${host}`;
}

export async function floodLab(): Promise<FloodLab> {
  const all = homes();
  const bridge = await all.add();
  const hosts = { a: await all.add(), b: await all.add(), c: await all.add() };
  const shell = (line: string, at?: HostName) => {
    const [file = "", ...words] = (at === undefined ? bridge : hosts[at]).enter;
    return execFileSync(file, [...words, "sh", "-ec", line], { encoding: "utf8" });
  };
  const quiet = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1";
  shell(quiet);
  shell("ip link add br0 type bridge mcast_querier 1 forward_delay 200 && ip link set br0 up");
  for (const [index, host] of HOSTS.entries()) {
    shell(quiet, host);
    const mac = macOf(host);
    shell(`ip link add p${host} type veth peer name eth0 address ${mac} netns ${hosts[host].pid}`);
    shell(`ip link set p${host} master br0 up`);
    shell(`ip addr add 10.77.0.${index + 1}/24 dev eth0 && ip link set eth0 up`, host);
  }
  const ends = { a: endOf(hosts.a), b: endOf(hosts.b), c: endOf(hosts.c) };
  return {
    bridge,
    hosts,
    shell,
    got: (by, frames) => exchange(ends[by], ends[frames.from], frames),
    local: () => {
      const shown = shell("bridge fdb show br br0");
      return shown
        .split("\n")
        .filter((line) => /^.[02468ace].*permanent/.test(line))
        .sort()
        .join("\n");
    },
    settings: () => {
      const link =
        "ip -d link show type bridge | grep -oE '(ageing_time|mcast_[a-z]+|stp_state) [0-9]+'";
      const set = "bridge fdb show br br0 | grep -E 'static|permanent' | sort";
      const here = shell(`${link}; bridge -d link show; ${set}; bridge mdb show`);
      const there = HOSTS.map((host) => shell("ip neigh show nud permanent", host));
      return [here, ...there].join("\n");
    },
    unreached: () =>
      HOSTS.flatMap((host) =>
        HOSTS.filter((other) => other !== host).flatMap((other) => {
          const ping = `ping -q -c 1 -W 1 10.77.0.${HOSTS.indexOf(other) + 1} >&2 || echo ${host} ${other}`;
          return shell(`(${ping}) 2>/dev/null`, host).split("\n").filter(Boolean);
        }),
      ),
    leave: () => all.leave(),
  };
}

/** A host's device. */
interface End {
  path: string;
  ifindex: number;
}

function endOf({ path, ip }: Home): End {
  const [link] = JSON.parse(ip("-j", "link", "show", "dev", "eth0")) as { ifindex: number }[];
  if (link === undefined) throw new Error("the host has no eth0");
  return { path, ifindex: link.ifindex };
}

function exchange(by: End, from: End, frames: Frames): number {
  const there = openPath("from", from.path);
  const here = openPath("by", by.path);
  const receiver = openPacketSocket(here, by.ifindex, {
    etherType: frames.etherType ?? ETH_P_IP,
    receiveTimeoutMs: frames.settleMs ?? SETTLE_MS,
  });
  const sender = openPacketSocket(there, from.ifindex);
  try {
    const frame = Buffer.alloc(60);
    const etherType = frames.vlan === undefined ? (frames.etherType ?? ETH_P_IP) : ETH_P_8021Q;
    bytesOf(frames.to).copy(frame, 0);
    bytesOf(frames.source ?? macOf(frames.from)).copy(frame, 6);
    frame.writeUInt16BE(etherType, 12);
    if (frames.vlan !== undefined) frame.writeUInt16BE(frames.vlan, 14);
    if (etherType === ETH_P_IP) ipHeader(frames.group ?? "239.1.2.3").copy(frame, 14);
    for (let sent = 0; sent < (frames.count ?? 5); sent++) sender.send(frame);
    const buffer = Buffer.alloc(2048);
    let got = 0;
    // In a loop there is no end of frames.
    for (let received = 0; received < 10_000 && receiver.receive(buffer) >= 0; received++) {
      if (buffer.subarray(0, 34).equals(frame.subarray(0, 34))) got++;
    }
    return got;
  } finally {
    sender.close();
    receiver.close();
    closeNamespace(there);
    closeNamespace(here);
  }
}

function bytesOf(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}
