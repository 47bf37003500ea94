/** Who listens for LLDP in a namespace: sockets of its EtherType (/proc/net/packet), and devices that take its group (/proc/net/dev_mcast). */
import { readFileSync, readlinkSync, statSync } from "node:fs";
import { inNamespace } from "../system/netns.ts";
import { commandOf, entries, processes } from "../system/processes.ts";
import { atPlace } from "./places.ts";
import type { Place } from "./state.ts";

/** Nearest bridge: a bridge stops it (IEEE 802.1AB, 7.1). */
export const LLDP_GROUP = "01:80:c2:00:00:0e";
const GROUP = LLDP_GROUP.replaceAll(":", "");

export interface LldpListeners {
  /** Packet sockets for LLDP frames. */
  sockets: {
    /** 0 where it hears all devices of the namespace. */
    ifindex: number;
    /** A process of the namespace that has it open; null where none has. */
    holder: { pid: number; command: string } | null;
  }[];
  /** How often devices were asked to take the group, by ifindex: by a socket, by a program, by a link that sits on it. */
  members: Map<number, number>;
}

/** Reads each place once; processes are looked through when the first socket is found. */
export function lldpReader(): (place: Place) => LldpListeners {
  const known = new Map<number, LldpListeners>();
  let running: Map<number, number[]> | null = null;
  const read = (place: Place): LldpListeners => {
    const { packet, mcast } = atPlace(place, (namespace) =>
      inNamespace(namespace, () => ({ packet: textOf("packet"), mcast: textOf("dev_mcast") })),
    ) ?? { packet: "", mcast: "" };
    const sockets = lldpSockets(packet);
    if (sockets.length > 0) running ??= byNamespace();
    const open = sockets.length === 0 ? new Map() : socketsOf(running?.get(place.inode) ?? []);
    return {
      sockets: sockets.map(({ ifindex, inode }) => ({ ifindex, holder: open.get(inode) ?? null })),
      members: lldpMembers(mcast),
    };
  };
  return (place) => {
    const listeners = known.get(place.inode) ?? read(place);
    known.set(place.inode, listeners);
    return listeners;
  };
}

/** packet_seq_show(): sk, RefCnt, Type, Proto (hexadecimal), Iface, R, Rmem, User, Inode. */
export function lldpSockets(text: string): { ifindex: number; inode: number }[] {
  return text.split("\n").flatMap((line) => {
    const [, , , protocol, ifindex, , , , inode] = line.trim().split(/\s+/);
    return protocol === "88cc" ? [{ ifindex: Number(ifindex), inode: Number(inode) }] : [];
  });
}

/** dev_mc_seq_show(): ifindex, name, users, users of it that are global, address. */
export function lldpMembers(text: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const line of text.split("\n")) {
    const [, ifindex, users, address] = /^(\d+) +\S+ +(\d+) +\d+ +([0-9a-f]+)$/.exec(line) ?? [];
    if (address === GROUP) found.set(Number(ifindex), Number(users));
  }
  return found;
}

function byNamespace(): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const pid of processes()) {
    const inode = quietly(() => statSync(`/proc/${pid}/ns/net`).ino);
    if (inode !== null) found.set(inode, [...(found.get(inode) ?? []), pid]);
  }
  return found;
}

/** By inode, whoever has it open first. */
function socketsOf(pids: readonly number[]): Map<number, { pid: number; command: string }> {
  const found = new Map<number, { pid: number; command: string }>();
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const fd of entries(folder)) {
      const what = quietly(() => readlinkSync(`${folder}/${fd}`)) ?? "";
      const inode = Number(/^socket:\[(\d+)\]$/.exec(what)?.[1] ?? -1);
      if (inode >= 0 && !found.has(inode)) found.set(inode, { pid, command: commandOf(pid) });
    }
  }
  return found;
}

/** Of the namespace that this thread is in. */
function textOf(name: string): string {
  // A device's name may be of bytes that are no UTF-8.
  return quietly(() => readFileSync(`/proc/thread-self/net/${name}`, "latin1")) ?? "";
}

/** Null of what is gone, or may not be seen. */
function quietly<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
