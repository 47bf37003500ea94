/** Which rules and policies of nf_tables can have dropped a frame, by what they ask for and by what they have counted. */

import type { BridgeState, FilterChain, FilterRule } from "../../../bridge/state.ts";
import type { Loss, LossContext } from "./cause.ts";

/** What is known of a frame that was lost. */
interface Frame {
  source: Address;
  destination: Address;
  etherType: number | null;
  /** Of IP. */
  protocol: number | null;
  from: number;
  at: number;
}

interface Address {
  mac: string;
  /** Null where it is not IP. */
  ip: string | null;
}

const PROTOCOLS: Record<string, number> = { ICMP: 1, IGMP: 2, TCP: 6, UDP: 17, ICMPv6: 58 };

function frameOf({ source, destination, addresses, port, at }: Loss): Frame {
  const { protocol } = addresses;
  return {
    source: { mac: source, ip: addresses.source },
    destination: { mac: destination, ip: addresses.destination },
    etherType: etherTypeOf(addresses),
    protocol: PROTOCOLS[protocol ?? ""] ?? null,
    ...{ from: port, at },
  };
}

/** Null where the header was not read, and of what is neither IP nor ARP. */
export function etherTypeOf({ source, protocol }: Loss["addresses"]): number | null {
  if (protocol === "ARP") return 0x0806;
  if (source === null) return null;
  return source.includes(":") ? 0x86dd : 0x0800;
}

/** What can have dropped a frame: a rule, or the policy of a base chain. */
export interface Candidate {
  base: FilterChain;
  chain: FilterChain;
  /** Null for the policy. */
  rule: FilterRule | null;
  /** Frames that it has counted while these were lost; null where it does not count. */
  moved: number | null;
  /** Whoever made it meant bridged frames, or these hosts. */
  meant: boolean;
  /** Every such frame that comes there ends there. */
  sure: boolean;
}

export function candidatesOf(loss: Loss, { before, state }: LossContext): Candidate[] {
  const frame = frameOf(loss);
  const chains = state.filters?.chains ?? [];
  return chains
    .filter((chain) => isPassed(chain, frame, state))
    .flatMap((base) => new Walk(chains, before.filters?.chains ?? [], base, frame).candidates());
}

/** A frame is lost at the port that it came in by before the bridge has decided, and afterwards at that which it would leave by. */
function isPassed({ hook, family, ports }: FilterChain, frame: Frame, state: BridgeState): boolean {
  if (hook === null || hook === "input") return false;
  const { from, at, etherType } = frame;
  const host = from === state.ifindex;
  const hairpin = state.ports.some(({ ifindex, flags }) => ifindex === from && flags.hairpin);
  const entering = !host && (at === from || at === state.ifindex);
  const leaving = !entering || hairpin;
  const there = {
    ...{ ingress: entering && ports.includes(from), egress: leaving && ports.includes(at) },
    ...{ prerouting: entering, forward: leaving && !host, output: host, postrouting: leaving },
  }[hook];
  if (!there) return false;
  if (family === "bridge" || family === "netdev" || hook === "ingress") return true;
  // Of what the host sends br_nf_post_routing() hands on nothing.
  if (host) return false;
  const { ip = false, ip6 = false } = state.netfilterCalls ?? {};
  const handed = (etherType === 0x0800 && ip) || (etherType === 0x86dd && ip6);
  return handed && ofFamily(family, etherType);
}

function ofFamily(family: FilterChain["family"], etherType: number | null): boolean {
  return family === "ip" ? etherType === 0x0800 : family !== "ip6" || etherType === 0x86dd;
}

/** Chains by which programs carry out what somebody asked of single hosts. */
const POLICIES = /^(KUBE-NWPLCY|KUBE-POD-FW|cali-|CILIUM_|WEAVE-NPC)/;

/** From one base chain to whatever a frame can meet, as far as is known of it. */
class Walk {
  readonly #chains: readonly FilterChain[];
  readonly #before: readonly FilterChain[];
  readonly #base: FilterChain;
  readonly #frame: Frame;
  readonly #found = new Map<FilterChain, { ends: boolean; candidates: Candidate[] }>();

  constructor(
    chains: readonly FilterChain[],
    before: readonly FilterChain[],
    base: FilterChain,
    frame: Frame,
  ) {
    this.#chains = chains;
    this.#before = before;
    this.#base = base;
    this.#frame = frame;
  }

  candidates(): Candidate[] {
    const ends = this.#enter(this.#base, isOfBridges(this.#base));
    const policy = this.#base.policy === "drop" && !ends ? [this.#policy()] : [];
    return [...[...this.#found.values()].flatMap(({ candidates }) => candidates), ...policy];
  }

  #policy(): Candidate {
    const now = this.#base.policyFrames;
    const then = sameChain(this.#before, this.#base)?.policyFrames ?? 0;
    return {
      ...{ base: this.#base, chain: this.#base, rule: null },
      moved: now === null ? null : moved(now, then),
      ...{ meant: isOfBridges(this.#base), sure: true },
    };
  }

  /** Whether no frame comes back from there: a rule that every one fits decides. `meant`: all ways there are for somebody. */
  #enter(chain: FilterChain, meant: boolean): boolean {
    const known = this.#found.get(chain);
    if (known !== undefined) {
      // Another way there, which was not meant for anybody.
      if (!meant) for (const one of known.candidates) one.meant = isMeant(one.rule);
      return known.ends;
    }
    const entry = { ends: false, candidates: [] as Candidate[] };
    this.#found.set(chain, entry);
    const then = new Map(
      sameChain(this.#before, chain)?.rules.map(({ handle, frames }) => [handle, frames]),
    );
    for (const rule of chain.rules) {
      if (!fits(rule, this.#frame)) continue;
      if (rule.drops) {
        entry.candidates.push({
          ...{ base: this.#base, chain, rule },
          moved: rule.frames === null ? null : moved(rule.frames, then.get(rule.handle) ?? 0),
          ...{ meant: meant || isMeant(rule), sure: isSure(rule, this.#frame) },
        });
      }
      const ends = this.#follow(chain, rule, meant || isMeant(rule));
      if (!isSure(rule, this.#frame)) continue;
      if (rule.verdict === "return") break;
      // What a chain that is gone to says goes for this one too.
      if (ends || rule.verdict.startsWith("goto ")) {
        entry.ends = ends;
        break;
      }
    }
    return entry.ends;
  }

  #follow({ family, table }: FilterChain, rule: FilterRule, meant: boolean): boolean {
    if (["drop", "accept", "reject", "queue"].includes(rule.verdict)) return true;
    const ends = rule.leadsTo.map((name) => {
      const next = this.#chains.find(
        (one) => one.name === name && one.table === table && one.family === family,
      );
      return next !== undefined && this.#enter(next, meant || POLICIES.test(name));
    });
    return rule.verdict !== "vmap" && ends.some(Boolean);
  }
}

export function isOfBridges({ family, hook }: FilterChain): boolean {
  return family === "bridge" || family === "netdev" || hook === "ingress";
}

function isMeant(rule: FilterRule | null): boolean {
  return rule !== null && (rule.aboutBridges || rule.aboutAddresses);
}

function sameChain(chains: readonly FilterChain[], wanted: FilterChain): FilterChain | undefined {
  return chains.find(
    ({ family, table, name }) =>
      family === wanted.family && table === wanted.table && name === wanted.name,
  );
}

/** Somebody may have set the counters to zero meanwhile. */
function moved(now: number, then: number): number {
  return now < then ? now : now - then;
}

/** Nothing that is known of the frame speaks against it. */
function fits(rule: FilterRule, frame: Frame): boolean {
  const { etherType, protocol, from, at } = frame;
  const same = (asked: number | null, has: number | null) =>
    asked === null || has === null || asked === has;
  return (
    same(rule.etherType, etherType) &&
    same(rule.protocol, protocol) &&
    rule.addresses.every(({ side, address }) => {
      const { mac, ip } = frame[side];
      return isMac(address) ? address === mac : ip === null || address === ip;
    }) &&
    (rule.in === null || rule.in.includes(from)) &&
    (rule.out === null || at === from || rule.out.includes(at))
  );
}

/** Every such frame fits. */
function isSure(rule: FilterRule, { etherType }: Frame): boolean {
  return rule.asks.length === 0 && (rule.etherType === null || rule.etherType === etherType);
}

function isMac(address: string): boolean {
  return /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address);
}
