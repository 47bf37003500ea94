/** `--trace-rules`: which rules of nf_tables the frames of one flow meet, told by the kernel of some of them that are marked. */

import { isIPv4 } from "node:net";
import { atPlace } from "../../bridge/places.ts";
import type { BridgeState, FilterChain } from "../../bridge/state.ts";
import { wordsAt } from "../../bridge/words-at.ts";
import { currentOwner } from "../../setup/ownership.ts";
import { run } from "../../system/command.ts";
import { BridgescopeError, PrerequisiteError } from "../../system/errors.ts";
import { SystemCallError } from "../../system/libc.ts";
import { ipBytes, ipText } from "../../system/neighbours.ts";
import { NFPROTO } from "../../system/nfnetlink.ts";
import {
  type FrameBytes,
  type FrameTrace,
  openFrameTrace,
  type TraceMessage,
} from "../../system/nftrace.ts";
import { macBytes, macText } from "../../text/mac-address.ts";
import { printable } from "../../text/printable.ts";

/** One end of a flow; the more of its addresses are known, the more of its frames are marked. */
export interface TracedEnd {
  /** MAC addresses. */
  macs: readonly string[];
  /** IP addresses, of IPv4 and IPv6. */
  ips: readonly string[];
}

export interface RuleTraceOptions {
  /** The bridge; the table is added in its namespace. */
  state: BridgeState;
  /** Frames of the first for the second are marked, and those of the second for the first. */
  ends: readonly [TracedEnd, TracedEnd];
}

/** A rule, or a chain's policy, that marked frames have met. */
export interface TracedRule {
  family: FilterChain["family"] | "arp";
  table: string;
  chain: string;
  /** Null for the chain's policy. */
  handle: number | null;
  /** `drop`, `accept`, `jump CHAIN`, `continue`, …; of a policy what it is. */
  verdict: string;
  /** Index of the end that the frames came from; null where the kernel has not told. */
  from: 0 | 1 | null;
  /** Marked frames that have met it. */
  frames: number;
  /** As nft prints it; null where nft is not there, or does not know it any more. */
  text: string | null;
}

export interface RuleTrace {
  /** What was met so far, in the order in which frames meet it; the text of those that drop is asked of nft. */
  seen(): Promise<TracedRule[]>;
  /** Takes the table away. */
  close(): void;
}

export interface PlannedRuleTrace {
  /** What `open` does, for whoever is to be told before. */
  text: string;
  /** Adds the table. Throws a PrerequisiteError where the kernel refuses. */
  open(): RuleTrace;
}

const READ_MS = 100;
/** Longer than nft takes for a chain of ten thousand rules. */
const NFT_MS = 10_000;
const ETH_P = { ip: 0x0800, arp: 0x0806, ip6: 0x86dd } as const;
const FAMILIES: Record<number, TracedRule["family"]> = Object.fromEntries(
  Object.entries(NFPROTO).map(([name, number]) => [number, name as TracedRule["family"]]),
);
/** NF_* and NFT_*. */
const CODES: Record<number, string> = {
  ...{ 0: "drop", 1: "accept", 2: "stolen", 3: "queue" },
  ...{ [-1]: "continue", [-2]: "break", [-3]: "jump", [-4]: "goto", [-5]: "return" },
};

/** Throws a BridgescopeError where too little is known of the two ends to tell their frames. */
export function planRuleTrace({ state, ends }: RuleTraceOptions): PlannedRuleTrace {
  const [a, b] = ends;
  const flows = [...flowsOf(a, b), ...flowsOf(b, a)];
  if (flows.length === 0) {
    throw new BridgescopeError(
      "--trace-rules marks frames by their addresses, and of these two ends neither MAC nor IP addresses are known",
    );
  }
  const { pid, startTime } = currentOwner();
  const table = `bridgescope_${pid}_${startTime}`;
  const legacy = (state.filters?.legacy ?? []).map(
    ({ family, table: name }) => `${family} ${name}`,
  );
  return {
    text: [
      `--trace-rules adds the nftables table "bridge ${table}" in the network namespace ${printable(state.place.label)}`,
      `its rules mark (nftrace) at most 10 frames/s of this flow and decide nothing`,
      "it goes when this ends, however it ends",
      ...(legacy.length === 0
        ? []
        : [`rules of legacy iptables leave no trace (${printable(legacy.join(", "))})`]),
    ].join("; "),
    open: () => {
      const trace = atPlace(state.place, (namespace) =>
        opened(() => openFrameTrace(namespace, table, flows)),
      );
      if (trace === null) throw new BridgescopeError("the bridge's network namespace is gone");
      return followed(trace, state, table, ends);
    },
  };
}

function opened(open: () => FrameTrace): FrameTrace {
  try {
    return open();
  } catch (cause) {
    if (!(cause instanceof SystemCallError)) throw cause;
    const why =
      {
        EPERM: "it takes CAP_NET_ADMIN in that namespace",
        EOPNOTSUPP: "it takes Linux 5.12 (tables that go with their owner)",
        EINVAL: "it takes Linux 5.12 (tables that go with their owner)",
        ENOENT: "it takes a kernel with CONFIG_NF_TABLES_BRIDGE",
        EPROTONOSUPPORT: "it takes a kernel with CONFIG_NF_TABLES",
      }[cause.code] ?? "the kernel gives no reason";
    throw new PrerequisiteError(`--trace-rules could not add its table (${cause.code}): ${why}`, {
      cause,
    });
  }
}

/** Frames of one end for the other: by both MAC addresses, and those that ask for an IP address of the other, which go to all; without MAC addresses by IP. */
function flowsOf(from: TracedEnd, to: TracedEnd): FrameBytes[][] {
  const link = (offset: number, value: Buffer): FrameBytes => ({ header: "link", offset, value });
  const network = (offset: number, value: Buffer): FrameBytes => ({
    header: "network",
    offset,
    value,
  });
  const type = (etherType: number) => {
    const value = Buffer.alloc(2);
    value.writeUInt16BE(etherType);
    return link(12, value);
  };
  if (from.macs.length === 0 || to.macs.length === 0) {
    return from.ips.flatMap((source) =>
      to.ips
        .filter((one) => isIPv4(one) === isIPv4(source))
        .map((destination) =>
          isIPv4(source)
            ? [type(ETH_P.ip), network(12, ipBytes(source)), network(16, ipBytes(destination))]
            : [type(ETH_P.ip6), network(8, ipBytes(source)), network(24, ipBytes(destination))],
        ),
    );
  }
  return from.macs.flatMap((source) => [
    ...to.macs.map((destination) => [link(0, macBytes(destination)), link(6, macBytes(source))]),
    ...to.ips.map((ip) => {
      const sender = link(6, macBytes(source));
      if (isIPv4(ip)) return [sender, type(ETH_P.arp), network(24, ipBytes(ip))];
      return [sender, type(ETH_P.ip6), network(24, solicitedNode(ip))];
    }),
  ]);
}

/** ff02::1:ffXX:XXXX (RFC 4291, 2.7.1): whoever asks for that address sends there. */
function solicitedNode(ip: string): Buffer {
  const group = ipBytes("ff02::1:ff00:0");
  ipBytes(ip).copy(group, 13, 13);
  return group;
}

function followed(
  trace: FrameTrace,
  state: BridgeState,
  table: string,
  ends: RuleTraceOptions["ends"],
): RuleTrace {
  const met = new MetRules(table, ends);
  // The kernel forgets what nobody takes from it in time.
  const timer = setInterval(() => met.add(trace.read()), READ_MS);
  timer.unref();
  const texts = new Map<string, Promise<string | null>>();
  const textOf = (rule: TracedRule): Promise<string | null> => {
    const key = keyOf(rule);
    const known = texts.get(key) ?? ruleText(state, rule);
    texts.set(key, known);
    return known;
  };
  return {
    seen: async () => {
      met.add(trace.read());
      return Promise.all(
        met.rules().map(async (rule) => ({
          ...rule,
          text: rule.verdict === "drop" && rule.handle !== null ? await textOf(rule) : null,
        })),
      );
    },
    close: () => {
      clearInterval(timer);
      trace.close();
    },
  };
}

/** What marked frames have met, without what our own table says. */
class MetRules {
  readonly #table: string;
  readonly #ends: RuleTraceOptions["ends"];
  readonly #rules = new Map<string, TracedRule>();
  /** Where a frame came from whose headers were told, by the number of its trace. */
  readonly #from = new Map<number, 0 | 1>();

  constructor(table: string, ends: RuleTraceOptions["ends"]) {
    this.#table = table;
    this.#ends = ends;
  }

  add(messages: readonly TraceMessage[]): void {
    for (const message of messages) {
      const end = this.#endOf(message);
      if (end !== null) this.#from.set(message.id, end);
      // Others may trace frames of theirs.
      const from = this.#from.get(message.id);
      if (from === undefined || message.table === this.#table || message.kind === "return")
        continue;
      const rule: TracedRule = {
        family: FAMILIES[message.family] ?? "inet",
        ...{ table: message.table, chain: message.chain, handle: message.handle },
        verdict: verdictOf(message),
        ...{ from, frames: 1, text: null },
      };
      const key = `${from} ${keyOf(rule)}`;
      const known = this.#rules.get(key);
      if (known === undefined) this.#rules.set(key, rule);
      else known.frames++;
    }
  }

  rules(): TracedRule[] {
    return [...this.#rules.values()];
  }

  #endOf({ link, network }: TraceMessage): 0 | 1 | null {
    const [a, b] = this.#ends;
    const mac = link === null || link.length < 14 ? null : macText(link.subarray(6, 12));
    const ip = sourceOf(network);
    const is = ({ macs, ips }: TracedEnd) =>
      (mac !== null && macs.includes(mac)) || (ip !== null && ips.includes(ip));
    return is(a) ? 0 : is(b) ? 1 : null;
  }
}

function sourceOf(network: Buffer | null): string | null {
  const version = (network?.[0] ?? 0) >> 4;
  if (network === null || ![4, 6].includes(version)) return null;
  return ipText(version === 4 ? network.subarray(12, 16) : network.subarray(8, 24));
}

function verdictOf({ code, target }: TraceMessage): string {
  // The number of the queue stands above it, or the errno of a drop.
  const name = CODES[code < 0 ? code : code & 0xff] ?? `verdict ${code}`;
  return target === "" ? name : `${name} ${target}`;
}

function keyOf({ family, table, chain, handle, verdict }: TracedRule): string {
  return JSON.stringify([family, table, chain, handle, verdict]);
}

/** nft reads its words as a program: only names that are words to it are asked for. */
const NAME = /^[A-Za-z_][\w./-]*$/;

async function ruleText(
  { place }: BridgeState,
  { family, table, chain, handle }: TracedRule,
): Promise<string | null> {
  if (!NAME.test(table) || !NAME.test(chain)) return null;
  const [file = "", ...args] = wordsAt(place, ["nft", "-a", "list", "chain", family, table, chain]);
  try {
    const { stdout } = await run(file, args, { tool: "nft", timeoutMs: NFT_MS });
    const line = stdout.split("\n").find((one) => one.endsWith(` # handle ${handle}`));
    return line === undefined ? null : line.replace(/ # handle \d+$/, "").trim();
  } catch (error) {
    if (!(error instanceof BridgescopeError)) throw error;
    return null;
  }
}
