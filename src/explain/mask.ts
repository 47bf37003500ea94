/** Names and addresses replaced by stand-ins, so that what is written can be shown to strangers. */
import { isIPv4, isIPv6 } from "node:net";
import { hostname } from "node:os";
import path from "node:path";
import { readLinks } from "../live/links.ts";
import type { BridgeState } from "../live/state.ts";

export interface Mask {
  /** The same stand-in for the same name or address, whichever text it stands in. */
  text(text: string): string;
}

/** Six bytes; in a bridge's id ip writes them behind `8000.`, and without leading zeros. */
const MAC = "(?<![0-9a-f:])[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}(?![0-9a-f:])";
const IPV4 = "(?<![\\d.])\\d{1,3}(?:\\.\\d{1,3}){3}(?![\\d.])";
const IPV6 = "(?<![0-9a-z:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-z:.])";
const ADDRESS = new RegExp(`(${MAC})|(${IPV4})|(${IPV6})`, "gi");

/** Groups of one host, which end as its address does (RFC 4291, 2.7.1). */
const SOLICITED_MAC = /^33:33:ff:/i;
const SOLICITED_IPV6 = /^ff02::1:ff[0-9a-f]{2}:[0-9a-f]{1,4}$/i;

/** `names` are interface, host, container and namespace names; each is replaced where it stands as a whole word. */
export function createMask(names: Iterable<string>): Mask {
  const macs = standIns((index) => `02:00:${inBytes(index).join(":")}`);
  const ipv4 = standIns(
    (index) => `198.${18 + ((index >> 16) & 1)}.${(index >> 8) & 255}.${index & 255}`,
  );
  const ipv6 = standIns((index) => `2001:db8::${index.toString(16)}`);
  const groups = standIns((index) => `33:33:ff:${inBytes(index).slice(1).join(":")}`);
  const solicited = standIns((index) => `ff02::1:ff00:${index.toString(16)}`);
  const named = standIns((index) => `name${index}`);
  const words = [...new Set(names)]
    .filter((name) => name !== "")
    .sort((a, b) => b.length - a.length);
  for (const word of words) named(word);
  const pattern =
    words.length === 0
      ? null
      : new RegExp(`(?<![\\w.-])(?:${words.map(literal).join("|")})(?![\\w-])`, "g");
  return {
    text: (text) => {
      const addresses = text.replace(ADDRESS, (all, mac?: string, ip?: string) => {
        if (mac !== undefined && SOLICITED_MAC.test(mac)) return groups(padded(mac).slice(9));
        if (mac !== undefined) return namesNobody(mac) ? mac : macs(padded(mac));
        if (ip !== undefined) return !isIPv4(ip) || wellKnownIpv4(ip) ? ip : ipv4(ip);
        if (SOLICITED_IPV6.test(all)) return solicited(all.toLowerCase());
        return !isIPv6(all) || wellKnownIpv6(all) ? all : ipv6(all.toLowerCase());
      });
      return pattern === null ? addresses : addresses.replace(pattern, named);
    },
  };
}

/** Whatever could say whose bridge this is: devices, namespaces, containers, processes and the host. */
export function namesOf(state: BridgeState): string[] {
  const owners = state.ports.flatMap(({ owner }) => owner ?? []);
  const places = [
    state.place,
    ...state.ports.flatMap(({ peer }) => peer?.namespace ?? []),
    ...state.neighbours.map(({ namespace }) => namespace),
  ];
  return [
    hostname(),
    state.name,
    ...readLinks(state.place).map(({ name }) => name),
    ...state.ports.flatMap(({ name, peer }) => [name, peer?.name ?? ""]),
    ...state.neighbours.map(({ device }) => device),
    ...places.flatMap(({ label, path: at }) => [bare(label), path.basename(at)]),
    ...owners.flatMap(({ label, command, container, pod }) => [
      bare(label),
      command ?? "",
      container ?? "",
      ...(pod ?? "").split("/"),
    ]),
  ].filter((name) => !ORDINARY.has(name));
}

/** These every host has. */
const ORDINARY = new Set(["lo", "host", "net", ""]);

/** `web` of `netns web`, `sleep` of `pid 4711 (sleep)`. */
function bare(label: string): string {
  return label
    .replace(/^(?:netns|container|pod|vm|docker namespace|pid \d+) /, "")
    .replace(/^\((.*)\)$/, "$1");
}

function inBytes(index: number): string[] {
  return [24, 16, 8, 0].map((shift) => ((index >>> shift) & 255).toString(16).padStart(2, "0"));
}

/** One after the other, counted from 1. */
function standIns(make: (index: number) => string): (original: string) => string {
  const known = new Map<string, string>();
  return (original) => {
    const before = known.get(original);
    if (before !== undefined) return before;
    const made = make(known.size + 1);
    known.set(original, made);
    return made;
  };
}

/** Groups, and the address that is none. */
function namesNobody(mac: string): boolean {
  return (Number.parseInt(mac, 16) & 1) === 1 || /^[0:]+$/.test(mac);
}

/** None, loopback, groups, broadcast and masks. */
function wellKnownIpv4(ip: string): boolean {
  const [first = 0] = ip.split(".").map(Number);
  return first === 0 || first === 127 || first >= 224;
}

/** None, loopback and groups. */
function wellKnownIpv6(ip: string): boolean {
  return /^(?:::1?|ff..:.*)$/i.test(ip);
}

function padded(mac: string): string {
  return mac
    .toLowerCase()
    .split(":")
    .map((byte) => byte.padStart(2, "0"))
    .join(":");
}

function literal(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
