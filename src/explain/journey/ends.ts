/** The two ends of a flow: what a person calls them, and where that is on a bridge. */
import { isIP } from "node:net";
import type { BridgeState, Peer, Place, Port, Upper } from "../../bridge/state.ts";
import { UsageError } from "../../system/errors.ts";
import { printable } from "../../text/printable.ts";
import { homesOf, isOwn, portPhrase } from "../causes/whereabouts.ts";
import { MOST_ADDRESSES } from "./filter.ts";

export interface Device {
  name: string;
  ifindex: number;
  place: Place;
}

/** One end of a flow at a bridge. */
export interface End {
  /** Null for the bridge device itself; undefined where nobody that can be seen has the address. */
  port: Port | null | undefined;
  /** From the bridge's side on: the other end of its port, and what sits on that; empty where none of it can be seen. */
  devices: Device[];
  macs: string[];
  ips: string[];
  /** Behind a VXLAN port: the VTEP that has it, as the port's own FDB says; null where it says none. */
  remote: string | null;
}

/** What a person called an end. */
export interface Asked {
  /** A name may be that of a port, of the bridge or of a namespace. */
  kind: "mac" | "ip" | "name";
  text: string;
  /** The namespace that is called so; null where none is, and `looked` says what was looked for. */
  place: Place | null;
  looked: UsageError | null;
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const PORT = /^port (.+)$/s;

/** `findPlace` is asked for what is no address; it rejects with a UsageError where no namespace is called so. */
export async function askedFor(
  text: string,
  findPlace: (text: string) => Promise<Place>,
): Promise<Asked> {
  const none = { place: null, looked: null };
  if (MAC.test(text)) return { kind: "mac", text: text.toLowerCase(), ...none };
  if (isIP(text) !== 0) return { kind: "ip", text: text.toLowerCase(), ...none };
  if (PORT.test(text)) return { kind: "name", text, ...none };
  try {
    return { kind: "name", text, place: await findPlace(text), looked: null };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { kind: "name", text, place: null, looked: error };
  }
}

/** All that it can mean at this bridge. */
export function endsOf(state: BridgeState, asked: Asked): End[] {
  return meant(state, asked).map((end) => ({ ...end, devices: end.devices.map(calledAs(end)) }));
}

/** A container's namespace is known by the container's id; its owner has the name. */
function calledAs({ port }: End): (device: Device) => Device {
  const owner = port?.owner;
  return (device) =>
    owner && owner.namespace?.inode === device.place.inode
      ? { ...device, place: { ...device.place, label: owner.label } }
      : device;
}

function meant(state: BridgeState, asked: Asked): End[] {
  if (asked.kind === "mac") return byMac(state, asked.text);
  if (asked.kind === "ip") return byIp(state, asked.text);
  const name = PORT.exec(asked.text)?.[1] ?? asked.text;
  const port = state.ports.find((one) => one.name === name);
  const ports = port === undefined ? [] : [portEnd(state, port)];
  const host = name === state.name ? [hostEnd(state)] : [];
  const { place } = asked;
  const inside = place === null ? [] : byPlace(state, place);
  return distinct([...ports, ...host, ...inside]);
}

/** An address that nobody has who can be seen: it can be asked for all the same. */
export function unseenEnd(ip: string): End {
  return { port: undefined, devices: [], macs: [], ips: [ip], remote: null };
}

/** The same place on the bridge, and an address in common. */
export function sameEnd(a: End, b: End): boolean {
  return (
    a.port?.ifindex === b.port?.ifindex &&
    (a.port === undefined) === (b.port === undefined) &&
    (a.macs.some((mac) => b.macs.includes(mac)) || a.ips.some((ip) => b.ips.includes(ip)))
  );
}

/** `netns web, eth0 behind port v-web`, as short as it can be told. */
export function endPhrase(state: BridgeState, end: End): string {
  const { port, devices, ips, macs, remote } = end;
  const address = ips[0] ?? macs[0] ?? "an unknown address";
  if (port === undefined) return `${address}, which nobody has who can be seen`;
  if (port === null) return `${address} (${state.name} itself, ${state.place.label})`;
  const device = devices.at(-1);
  const on = device === undefined ? "" : `${device.name} `;
  const at = remote === null ? "" : ` at the remote ${remote}`;
  return `${address} (${on}behind ${portPhrase(port)}${at})`;
}

/** A UsageError where an end has more addresses than a filter takes. */
export function checkAddresses(text: string, { macs, ips }: End): void {
  if (macs.length + ips.length <= MOST_ADDRESSES) return;
  throw new UsageError(
    `"${printable(text)}" has ${macs.length + ips.length} addresses, and a flow is of at most ${MOST_ADDRESSES}: name one of them`,
  );
}

function byMac(state: BridgeState, mac: string): End[] {
  if (isOwn(state, mac)) return [{ ...hostEnd(state), macs: [mac] }];
  const seen = homesOf(state, mac).map(({ port, ifindex, namespace }): End => {
    if (port === null) return { ...hostEnd(state), macs: [mac], ips: ipsOf(state, mac) };
    const { peer } = port;
    const devices = peer === null ? [] : chain(peer, namespace, ifindex);
    return { port, devices, macs: [mac], ips: ipsOf(state, mac), remote: remoteOf(port, mac) };
  });
  if (seen.length > 0) return distinct(seen);
  const learned = state.entries.filter(({ address, local }) => address === mac && !local);
  return distinct(
    learned.flatMap(({ port: ifindex }): End[] => {
      const port = state.ports.find((one) => one.ifindex === ifindex);
      if (port === undefined) return [];
      const devices = port.peer === null ? [] : [deviceOf(port.peer)];
      const ips = ipsOf(state, mac);
      return [{ port, devices, macs: [mac], ips, remote: remoteOf(port, mac) }];
    }),
  );
}

function byIp(state: BridgeState, ip: string): End[] {
  const own = [state, ...state.uppers].some(({ addresses }) => addresses.includes(ip));
  const seen = own ? [{ ...hostEnd(state), ips: [ip] }] : [];
  for (const port of state.ports) {
    const { peer } = port;
    if (peer === null) continue;
    for (const link of [peer, ...peer.uppers]) {
      if (!link.addresses.includes(ip)) continue;
      const devices = chain(peer, link.namespace, link.ifindex);
      // An ipvlan has the address of the device below.
      const mac = link.address === "" ? peer.address : link.address;
      seen.push({ port, devices, macs: [mac], ips: [ip], remote: null });
    }
  }
  if (seen.length > 0) return distinct(seen);
  const known = state.neighbours.flatMap((one) =>
    one.ip === ip && one.address !== null ? [one.address] : [],
  );
  return distinct([...new Set(known)].flatMap((mac) => byMac(state, mac))).map((end) => ({
    ...end,
    ips: [ip],
  }));
}

function byPlace(state: BridgeState, { inode }: Place): End[] {
  const behind = state.ports.flatMap((port): End[] => {
    const { peer } = port;
    if (peer === null) return [];
    const links = [peer, ...peer.uppers].filter(({ namespace }) => namespace.inode === inode);
    const [first] = links;
    if (first === undefined) return [];
    return [
      {
        port,
        devices:
          links.length === 1 ? chain(peer, first.namespace, first.ifindex) : [deviceOf(peer)],
        macs: [...new Set(links.map(({ address }) => address).filter((one) => one !== ""))],
        ips: [...new Set(links.flatMap(({ addresses }) => addresses))],
        remote: null,
      },
    ];
  });
  if (behind.length > 0 || inode !== state.place.inode) return behind;
  return [hostEnd(state)];
}

function portEnd(state: BridgeState, port: Port): End {
  const { peer } = port;
  const links = peer === null ? [] : [peer, ...peer.uppers];
  const learned = state.entries.filter((entry) => entry.port === port.ifindex && !entry.local);
  const macs = [...links, ...learned].map(({ address }) => address).filter((one) => one !== "");
  const ips = links.flatMap(({ addresses }) => addresses);
  const known = ips.length > 0 ? ips : macs.flatMap((mac) => ipsOf(state, mac));
  return {
    port,
    devices: peer === null ? [] : [deviceOf(peer)],
    macs: [...new Set(macs)],
    ips: [...new Set(known)],
    remote: null,
  };
}

function hostEnd(state: BridgeState): End {
  const links = [state, ...state.uppers];
  return {
    port: null,
    devices: [{ name: state.name, ifindex: state.ifindex, place: state.place }],
    macs: [...new Set(links.map(({ address }) => address))],
    ips: [...new Set(links.flatMap(({ addresses }) => addresses))],
    remote: null,
  };
}

/** Who is known by that link-layer address. */
function ipsOf(state: BridgeState, mac: string): string[] {
  const links: (Peer | Upper)[] = state.ports.flatMap(({ peer }) =>
    peer === null ? [] : [peer, ...peer.uppers],
  );
  const own = [...links, ...state.uppers].filter(({ address }) => address === mac);
  const known = state.neighbours.filter(({ address }) => address === mac);
  return [...new Set([...own.flatMap(({ addresses }) => addresses), ...known.map(({ ip }) => ip)])];
}

function remoteOf({ vxlan }: Port, mac: string): string | null {
  return vxlan?.remotes.find(({ address }) => address === mac)?.ip ?? null;
}

/** The other end of a port, and what sits on it where that is another device. */
function chain(peer: Peer, namespace: Place | null, ifindex: number | null): Device[] {
  const upper = peer.uppers.find(
    (one) => one.ifindex === ifindex && one.namespace.inode === namespace?.inode,
  );
  return upper === undefined ? [deviceOf(peer)] : [deviceOf(peer), deviceOf(upper)];
}

function deviceOf({ name, ifindex, namespace }: Peer | Upper): Device {
  return { name, ifindex, place: namespace };
}

function distinct(ends: readonly End[]): End[] {
  const seen = new Set<string>();
  return ends.filter(({ port, devices }) => {
    const key = [
      port?.ifindex ?? "host",
      ...devices.map(({ place, ifindex }) => `${place.inode}:${ifindex}`),
    ].join();
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
