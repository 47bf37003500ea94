/** One rule of nf_tables as its expressions say it: what it asks of a frame, and what becomes of one that fits. */

import { ipText } from "../system/neighbours.ts";
import { attributesOf, textAttribute } from "../system/netlink-dump.ts";
import { align } from "../system/netlink-messages.ts";
import {
  META,
  NFPROTO,
  NFT_REG_VERDICT,
  NFTA_CMP,
  NFTA_COUNTER_PACKETS,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_IMMEDIATE,
  NFTA_META,
  NFTA_PAYLOAD,
  NFTA_RULE,
  NFTA_VERDICT,
  PAYLOAD,
} from "../system/nfnetlink.ts";
import { macText } from "../text/mac-address.ts";
import type { FilterChain, FilterRule } from "./state.ts";

/** What it asks for of one of the two devices: a name (`veth*` for what begins so), or an ifindex as in `iif`. */
export interface DeviceAsked {
  side: "in" | "out";
  device: string | number;
  not: boolean;
}

export interface ParsedRule {
  handle: number;
  /** Null where nothing counts, or where what is counted need not fit the whole rule. */
  frames: number | null;
  /** `drop`, `accept`, `reject`, `queue`, `return`, `jump CHAIN`, `goto CHAIN`, `vmap`; null where it decides nothing. */
  verdict: string | null;
  /** The map that decides, for `vmap`. */
  map: string | null;
  devices: DeviceAsked[];
  /** EtherType of frames that can fit, where it asks for one; and the number of the protocol within IP. */
  etherType: number | null;
  protocol: number | null;
  /** Single addresses that it asks for; they are among what it asks for too. */
  addresses: FilterRule["addresses"];
  /** What else it asks for, by nft's words. */
  asks: string[];
  comment: string | null;
}

const NFTA_LOOKUP = { set: 1, source: 2, target: 3, flags: 5 } as const;
/** Of `bitwise`, `byteorder`, `fib`, `ct` and others; where they put what they make of a packet, and where they take it from. */
const NFTA_BITWISE = { source: 1, target: 2 } as const;
const NFTA_CT = { target: 1, key: 2 } as const;
const NFTA_FIB_TARGET = 1;
const NFTA_RANGE_SOURCE = 1;
const NFTA_MATCH = { name: 1, info: 3 } as const;
const NFT_CMP = { equal: 0, notEqual: 1 } as const;
const CT_STATE = 0;
const USERDATA_COMMENT = 0;
const ETHER_TYPES: Record<number, number> = { [NFPROTO.ip]: 0x0800, [NFPROTO.ip6]: 0x86dd };

const VERDICTS: Record<number, string> = {
  ...{ 0: "drop", 1: "accept", 3: "queue" },
  // They are negative: NFT_JUMP, NFT_GOTO, NFT_RETURN.
  ...{ [-3]: "jump", [-4]: "goto", [-5]: "return" },
};

/** Targets of x_tables that end a frame's way, which it calls by these names. */
const TARGETS: Record<string, string> = { REJECT: "reject", NFQUEUE: "queue" };

const META_WORDS: Record<number, string> = {
  ...{ [META.mark]: "meta mark", [META.protocol]: "meta protocol", 19: "meta pkttype" },
  ...{ [META.nfproto]: "meta nfproto", [META.l4proto]: "meta l4proto" },
  ...{ [META.iif]: "iif", [META.oif]: "oif", [META.iifname]: "iifname", [META.oifname]: "oifname" },
  ...{ [META.bridgeIn]: "ibrname", [META.bridgeOut]: "obrname" },
};

/**
 * `body` is of a NFT_MSG_NEWRULE, behind its struct nfgenmsg. There may be tens of thousands: attributes are read where
 * they lie, without an object for each (a tenth of the time).
 */
export function parseRule(family: FilterChain["family"], body: Buffer): ParsedRule {
  const rule = new RuleReader(family, body);
  const all: Span = [0, body.length];
  const expressions = spanOf(body, all, NFTA_RULE.expressions);
  if (expressions !== null) {
    const [from, to] = expressions;
    for (let at = from; at + HEADER <= to; at += align(body.readUInt16LE(at))) {
      const size = body.readUInt16LE(at);
      if (size < HEADER) break;
      rule.take([at + HEADER, at + size]);
    }
  }
  const userData = spanOf(body, all, NFTA_RULE.userData);
  return {
    handle: numberOf(body, all, NFTA_RULE.handle) ?? 0,
    ...rule.read(),
    comment: rule.comment ?? (userData && commentOf(body.subarray(...userData))),
  };
}

/** Where something lies in a message: from, and up to. */
type Span = [from: number, to: number];
/** Of an attribute. */
const HEADER = 4;
const TYPE_MASK = 0x3fff;

/** The value of the attribute of that type within a span; null where there is none. */
function spanOf(body: Buffer, [from, to]: Span, type: number): Span | null {
  for (let at = from; at + HEADER <= to; ) {
    const size = body.readUInt16LE(at);
    if (size < HEADER) return null;
    if ((body.readUInt16LE(at + 2) & TYPE_MASK) === type) return [at + HEADER, at + size];
    at += align(size);
  }
  return null;
}

function numberOf(body: Buffer, within: Span, type: number): number | null {
  const span = spanOf(body, within, type);
  if (span === null) return null;
  const size = span[1] - span[0];
  if (size === 8) return body.readUInt32BE(span[0]) * 2 ** 32 + body.readUInt32BE(span[0] + 4);
  return size === 4 ? body.readUInt32BE(span[0]) : null;
}

function textOf(body: Buffer, within: Span, type: number): string {
  const span = spanOf(body, within, type);
  if (span === null) return "";
  const end = body.indexOf(0, span[0]);
  return body.toString("utf8", span[0], end === -1 ? span[1] : Math.min(end, span[1]));
}

/** What was loaded from a packet into a register. */
type Loaded = { word: string; isWhole?: boolean } | { meta: number };

class RuleReader {
  comment: string | null = null;
  readonly #body: Buffer;
  /** By register. */
  readonly #loaded = new Map<number, Loaded>();
  readonly #devices: DeviceAsked[] = [];
  readonly #addresses: FilterRule["addresses"] = [];
  readonly #asks: string[] = [];
  #etherType: number | null;
  #protocol: number | null = null;
  #frames: number | null = null;
  #verdict: string | null = null;
  #map: string | null = null;

  constructor(family: FilterChain["family"], body: Buffer) {
    this.#body = body;
    this.#etherType = family === "ip" ? 0x0800 : family === "ip6" ? 0x86dd : null;
  }

  read(): Omit<ParsedRule, "handle" | "comment"> {
    return {
      ...{ frames: this.#frames, verdict: this.#verdict, map: this.#map },
      ...{ devices: this.#devices, etherType: this.#etherType, protocol: this.#protocol },
      ...{ addresses: this.#addresses, asks: this.#asks },
    };
  }

  /** One expression. */
  take(expression: Span): void {
    const name = textOf(this.#body, expression, NFTA_EXPR.name);
    const data = spanOf(this.#body, expression, NFTA_EXPR.data) ?? [0, 0];
    const number = (type: number) => numberOf(this.#body, data, type);
    switch (name) {
      case "meta": {
        const target = number(NFTA_META.target);
        // Without one it sets a mark or a trace.
        if (target !== null) this.#loaded.set(target, { meta: number(NFTA_META.key) ?? -1 });
        break;
      }
      case "payload":
        this.#load(number(NFTA_PAYLOAD.target), this.#field(data), true);
        break;
      case "ct":
        this.#load(number(NFTA_CT.target), number(NFTA_CT.key) === CT_STATE ? "ct state" : "ct");
        break;
      case "fib":
        this.#load(number(NFTA_FIB_TARGET), "fib");
        break;
      case "bitwise":
      case "byteorder": {
        const source = this.#loaded.get(number(NFTA_BITWISE.source) ?? -1);
        if (source === undefined) break;
        // Of an address a part is left.
        const made = "word" in source ? { word: source.word } : source;
        this.#loaded.set(number(NFTA_BITWISE.target) ?? -1, made);
        break;
      }
      case "cmp":
        this.#compare(data);
        break;
      case "range":
        this.#askOf(number(NFTA_RANGE_SOURCE));
        break;
      case "lookup":
        this.#lookup(data);
        break;
      case "counter":
        this.#frames = number(NFTA_COUNTER_PACKETS);
        break;
      case "immediate":
        this.#immediate(data);
        break;
      case "reject":
      case "queue":
        this.#verdict = name;
        break;
      case "match":
        this.#match(data);
        break;
      case "target":
        this.#verdict = TARGETS[textOf(this.#body, data, NFTA_MATCH.name)] ?? this.#verdict;
        break;
      case "limit":
      case "quota":
      case "connlimit":
      case "dynset":
        this.#ask(name);
        break;
      // These are words themselves; the number of the attribute that names the register differs.
      case "exthdr":
      case "rt":
      case "osf":
      case "numgen":
      case "xfrm":
        this.#load(number(1), name);
        break;
      case "hash":
      case "socket":
      case "tunnel":
        this.#load(number(2), name);
    }
  }

  #load(register: number | null, word: string, isWhole = false): void {
    if (register !== null) this.#loaded.set(register, { word, isWhole });
  }

  #ask(word: string): void {
    if (!this.#asks.includes(word)) this.#asks.push(word);
    // What was counted before this was asked need not fit.
    this.#frames = null;
  }

  #askOf(register: number | null): void {
    const loaded = this.#loaded.get(register ?? -1);
    this.#ask(wordOf(loaded));
    this.#loaded.clear();
  }

  #compare(data: Span): void {
    const register = numberOf(this.#body, data, NFTA_CMP.source);
    const loaded = this.#loaded.get(register ?? -1);
    const compared = spanOf(this.#body, data, NFTA_CMP.data) ?? [0, 0];
    const value = spanOf(this.#body, compared, NFTA_DATA.value) ?? [0, 0];
    const operation = numberOf(this.#body, data, NFTA_CMP.operation);
    const exact = operation === NFT_CMP.equal || operation === NFT_CMP.notEqual;
    const not = operation === NFT_CMP.notEqual;
    if (loaded !== undefined && "meta" in loaded && exact && this.#meta(loaded.meta, value, not)) {
      this.#loaded.clear();
      this.#frames = null;
      return;
    }
    if (loaded !== undefined && "word" in loaded && loaded.word === "ether type" && !not) {
      this.#etherType = value[1] - value[0] >= 2 ? this.#body.readUInt16BE(value[0]) : null;
    }
    if (loaded !== undefined && "word" in loaded && loaded.isWhole && exact && !not) {
      this.#address(loaded.word, value);
    }
    this.#askOf(register);
  }

  #address(word: string, [from, to]: Span): void {
    const [, family, side] = /^(ether|ip6?) (saddr|daddr)$/.exec(word) ?? [];
    const bytes = this.#body.subarray(from, to);
    const address =
      family === "ether" ? (bytes.length === 6 ? macText(bytes) : null) : ipText(bytes);
    if (family === undefined || address === null) return;
    this.#addresses.push({ side: side === "saddr" ? "source" : "destination", address });
  }

  /** False where it is to be told as one of the things that are asked for. */
  #meta(key: number, [from, to]: Span, not: boolean): boolean {
    const size = to - from;
    switch (key) {
      case META.iif:
      case META.oif: {
        const side = key === META.iif ? "in" : "out";
        this.#devices.push({ side, device: size === 4 ? this.#body.readUInt32LE(from) : 0, not });
        return true;
      }
      case META.iifname:
      case META.oifname: {
        const side = key === META.iifname ? "in" : "out";
        this.#devices.push({ side, device: nameOf(this.#body.subarray(from, to)), not });
        return true;
      }
      case META.nfproto:
        if (!not) this.#etherType = ETHER_TYPES[this.#body[from] ?? 0] ?? null;
        return !not;
      case META.protocol:
        if (!not && size === 2) this.#etherType = this.#body.readUInt16BE(from);
        return !not;
      case META.l4proto:
        if (!not) this.#protocol = this.#body[from] ?? null;
        return false;
      default:
        return false;
    }
  }

  #lookup(data: Span): void {
    const words = [...this.#loaded.values()].map(wordOf);
    this.#loaded.clear();
    const target = numberOf(this.#body, data, NFTA_LOOKUP.target);
    if (target === NFT_REG_VERDICT) {
      this.#verdict = "vmap";
      this.#map = textOf(this.#body, data, NFTA_LOOKUP.set);
      const counted = this.#frames;
      for (const word of words) this.#ask(word);
      // All that was asked before fits; what the map says is another matter.
      this.#frames = counted;
    } else if (target === null) for (const word of words) this.#ask(word);
    else this.#load(target, words.join(" . "));
  }

  #immediate(data: Span): void {
    if (numberOf(this.#body, data, NFTA_IMMEDIATE.register) !== NFT_REG_VERDICT) return;
    const of = spanOf(this.#body, data, NFTA_IMMEDIATE.data) ?? [0, 0];
    const [from, to] = spanOf(this.#body, of, NFTA_DATA.verdict) ?? [0, 0];
    this.#verdict = verdictOf(this.#body.subarray(from, to));
  }

  #match(data: Span): void {
    const name = textOf(this.#body, data, NFTA_MATCH.name);
    if (name === "comment") this.comment = textOf(this.#body, data, NFTA_MATCH.info);
    else this.#ask(name);
  }

  /** What of a header is loaded, by nft's word for it as far as it says whom a rule is about. */
  #field(data: Span): string {
    const base = numberOf(this.#body, data, NFTA_PAYLOAD.base);
    const offset = numberOf(this.#body, data, NFTA_PAYLOAD.offset) ?? 0;
    if (base === PAYLOAD.link) {
      if (offset >= 12) return "ether type";
      return offset >= 6 ? "ether saddr" : "ether daddr";
    }
    if (base === PAYLOAD.transport) return "ports";
    if (this.#etherType === 0x0806) return offset >= 8 ? "arp addresses" : "arp";
    const length = numberOf(this.#body, data, NFTA_PAYLOAD.length) ?? 0;
    const six = this.#etherType === 0x86dd || (this.#etherType === null && length === 16);
    const [source, destination, end] = six ? [8, 24, 40] : [12, 16, 20];
    const family = six ? "ip6" : "ip";
    if (offset < source || offset >= end) return family;
    return `${family} ${offset < destination ? "saddr" : "daddr"}`;
  }
}

/** `jump CHAIN` or the like; null for NFT_CONTINUE and NFT_BREAK. `verdict` is the value of a NFTA_DATA_VERDICT. */
export function verdictOf(verdict: Buffer): string | null {
  const data = attributesOf(verdict);
  const code = data.get(NFTA_VERDICT.code)?.readInt32BE() ?? 1;
  // The number of the queue stands above it, or the errno of a drop.
  const name = VERDICTS[code < 0 ? code : code & 0xff] ?? null;
  const chain = textAttribute(data.get(NFTA_VERDICT.chain));
  return name === null || chain === "" ? name : `${name} ${chain}`;
}

function wordOf(loaded: Loaded | undefined): string {
  if (loaded === undefined) return "a value";
  return "word" in loaded ? loaded.word : (META_WORDS[loaded.meta] ?? "meta");
}

/** Of 16 bytes, or of as many as a name begins with. */
function nameOf(value: Buffer): string {
  const end = value.indexOf(0);
  return end === -1 ? `${value.toString("utf8")}*` : value.toString("utf8", 0, end);
}

function commentOf(userData: Buffer | undefined): string | null {
  for (let at = 0; userData !== undefined && at + 2 <= userData.length; ) {
    const size = userData.readUInt8(at + 1);
    const value = userData.subarray(at + 2, at + 2 + size);
    if (userData.readUInt8(at) === USERDATA_COMMENT) return textAttribute(value);
    at += 2 + size;
  }
  return null;
}
