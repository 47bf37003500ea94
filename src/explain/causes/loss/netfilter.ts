/** Frames that netfilter has dropped: by rules that somebody made for them, or by those of the host, which br_netfilter applies to them. */

import type { BridgeState, FilterChain, Filters } from "../../../bridge/state.ts";
import { count, plural } from "../../../text/units.ts";
import { chainPhrase, type HandedFamily, handingNames } from "../netfilter-settings.ts";
import { sum } from "../peak.ts";
import type { Proposed } from "../remedy.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";
import { type Candidate, candidatesOf, etherTypeOf, isOfBridges } from "./netfilter-candidates.ts";

/** Functions that free what netfilter drops; before Linux 5.17 they alone tell. */
const PLACES =
  /^(nft_do_chain|nf_hook_slow|nf_hook_slow_list|ipt_do_table|ip6t_do_table|arpt_do_table|ebt_do_table|nf_queue|nf_reinject)\b/;
/** Since Linux 6.7 what nf_tables drops is freed there, and nothing else (NF_DROP_REASON()). */
const NF_TABLES = /^nft_do_chain\b/;
/** Of what else can have dropped them, so many are named. */
const ALTERNATIVES = 3;
/** Of the frames of a flow, the share that a counter has to have moved by: it was read a little before and after. */
const MOVED = 0.5;

export const netfilter: LossCause = (loss, context) => {
  if (!isNetfilters(loss)) return null;
  // Whoever they are for filters for itself, in a namespace of its own.
  if (loss.behind) return "right";
  const { filters } = context.state;
  if (filters === null) return unknown(context, loss, "its rules could not be read");
  const candidates = candidatesOf(loss, context);
  const [first, ...others] = ranked(candidates, loss, context);
  const legacy = legacyTables(loss, filters);
  if (first !== undefined && (isCounted(first, loss) || legacy.length === 0)) {
    return named(loss, context, { first, others, candidates });
  }
  if (legacy.length > 0) return ofLegacy(loss, context, legacy, candidates);
  return unknown(context, loss, "no rule and no policy that was read can have");
};

function isNetfilters({ where, reason }: Pick<Loss, "where" | "reason">): boolean {
  if (reason === "NETFILTER_DROP") return true;
  const told = reason !== null && reason !== "NOT_SPECIFIED";
  return !told && where !== null && PLACES.test(where);
}

/** Of all flows, by the hook and the protocol of this one. */
function lostAlike(loss: Loss, { collected }: LossContext): number {
  const isEntering = ({ at, port }: Pick<Loss, "at" | "port">) => at === port;
  const same = collected.lost.filter(
    (one) =>
      isNetfilters(one) &&
      !one.behind &&
      isEntering(one) === isEntering(loss) &&
      etherTypeOf(one.addresses) === etherTypeOf(loss.addresses),
  );
  return sum(same, ({ frames }) => frames);
}

function isCounted({ moved }: Candidate, { frames }: Loss): boolean {
  return moved !== null && moved >= frames * MOVED;
}

/**
 * What has counted enough meanwhile comes first, that which is nearest to what was lost of this flow, or of all; then what
 * does not count, that which asks for least. What counts and has not moved did not drop them.
 */
function ranked(candidates: readonly Candidate[], loss: Loss, context: LossContext): Candidate[] {
  const all = lostAlike(loss, context);
  const rank = (one: Candidate) => (isCounted(one, loss) ? 0 : one.moved === null ? 1 : 2);
  const distance = ({ moved, rule }: Candidate) =>
    moved === null
      ? (rule?.asks.length ?? -1)
      : Math.min(
          ...[loss.frames, all].map((lost) => Math.abs(Math.log(moved / Math.max(1, lost)))),
        );
  return candidates
    .filter(({ moved }) => moved !== 0)
    .sort((a, b) => rank(a) - rank(b) || distance(a) - distance(b));
}

interface Suspects {
  first: Candidate;
  /** What else can have dropped them, the likeliest first. */
  others: readonly Candidate[];
  /** All that drops such frames, whether it has counted any or not. */
  candidates: readonly Candidate[];
}

function named(loss: Loss, context: LossContext, suspects: Suspects): LossWhy {
  const { first, others } = suspects;
  const { state } = context;
  const counted = isCounted(first, loss);
  const unread = counted ? [] : unreadRules(state, first.base);
  const rivals = others.filter((one) => !counted || isCounted(one, loss));
  const more = rivals.length - ALTERNATIVES;
  return {
    ...{ kind: first.meant ? "policy" : "loss", cause: "netfilter" },
    basis: rivals.length + unread.length === 0 ? "observed" : "inferred",
    title: titleOf(state, first),
    alternatives: [
      ...rivals.slice(0, ALTERNATIVES).map(subject),
      ...(more > 0 ? [`${plural(more, "more rule")} that can drop such frames`] : []),
      ...unread,
    ],
    evidence: evidenceOf(loss, context, first),
    remedy: first.meant ? null : remedyFor(loss, state, suspects),
  };
}

/** Of the tables that the chain's frames can meet. */
function unreadRules({ filters }: BridgeState, { family, table }: FilterChain): string[] {
  return (filters?.chains ?? [])
    .filter((chain) => chain.unread > 0 && chain.family === family && chain.table === table)
    .map(
      (chain) =>
        `one of the last ${count(chain.unread)} rules of ${chainPhrase(chain)}, which are too many to be read`,
    );
}

function subject({ base, chain, rule }: Candidate): string {
  if (rule === null) return `the policy of ${chainPhrase(base)}`;
  return `rule ${rule.handle} of ${chainPhrase(chain)}`;
}

const DOES: Record<string, string> = { reject: "refuses", queue: "hands to a queue" };

function titleOf({ name }: BridgeState, first: Candidate): string {
  const { base, rule, meant } = first;
  const does = DOES[rule?.verdict ?? ""] ?? "drops";
  const hook = `at the hook ${base.hook}`;
  if (meant) return `${subject(first)} ${does} them ${hook}`;
  return `${subject(first)} ${does} frames between ports of ${name} ${hook}: br_netfilter applies it to bridged frames`;
}

function evidenceOf(loss: Loss, context: LossContext, first: Candidate): string[] {
  const { base, chain, rule, moved } = first;
  const said =
    rule === null
      ? []
      : [
          rule.verdict,
          ...(rule.asks.length === 0 ? [] : [`it asks for ${rule.asks.join(", ")}`]),
          ...(rule.comment === null ? [] : [`comment "${rule.comment}"`]),
        ];
  const about = said.length === 0 ? "" : ` (${said.join("; ")})`;
  const path = chain === base ? "" : `, which ${chainPhrase(base)} leads to,`;
  const lost = Math.round(lostAlike(loss, context));
  const counts =
    moved === null
      ? "does not count what it drops"
      : `counted ${plural(moved, "frame")}, of which ${lost} were seen to be dropped`;
  return [
    `${subject(first)}${path} ${counts}${about}`,
    ...(isOfBridges(base) ? [] : handedBy(context.state, familyOf(loss))),
  ];
}

function familyOf({ addresses }: Loss): HandedFamily {
  return ({ 34525: "ip6", 2054: "arp" }[etherTypeOf(addresses) ?? 0] as HandedFamily) ?? "ip";
}

/** What hands such frames to netfilter's IP families. */
function handedBy(
  { name, place, netfilterCalls, options }: BridgeState,
  family: HandedFamily,
): string[] {
  const { sysctl, option } = handingNames(family);
  const set = [
    ...(netfilterCalls?.sysctls[family] ? [`${sysctl} is 1 in ${place.label}`] : []),
    ...(options[option] === 1 ? [`${option} of ${name} is 1`] : []),
  ];
  const which = set.length === 1 ? "that" : "either";
  return set.length === 0 ? [] : [`${set.join(", and ")}: ${which} hands bridged frames to it`];
}

/** Programs that need bridged frames to be seen: for service addresses (NAT) and for their own isolation. */
const NEED_CALLS = ["Docker", "Kubernetes", "Calico", "Cilium", "CNI", "flannel"];

/** A rule for this bridge alone where that is enough, else what hands over the frames of all. */
function remedyFor(loss: Loss, state: BridgeState, suspects: Suspects): Proposed {
  const { first, others, candidates } = suspects;
  const { name, filters } = state;
  const family = familyOf(loss);
  const needed = (filters?.keepers ?? []).filter((one) => NEED_CALLS.includes(one));
  const isKnown = isCounted(first, loss) || others.length === 0;
  const again = candidates.some(({ base, sure }) => base !== first.base && sure);
  const entering = first.base.hook === "prerouting";
  if (isKnown && !again && (needed.length > 0 || !entering)) {
    const into = userChain(filters, first.base) ?? first.base;
    return {
      change: { set: "accept", chain: into },
      effect: entering
        ? `frames that come in by ports of ${name} pass ${chainPhrase(into)}; all else is filtered as before`
        : `frames between ports of ${name} pass ${chainPhrase(into)}; all else is filtered as before`,
      risk: entering
        ? `what is routed from ${name} passes that chain as well; a program that owns the table forgets the rule when it writes its own anew`
        : `whatever that chain was to keep hosts of ${name} from each other passes as well; a program that owns the table forgets the rule when it writes its own anew`,
    };
  }
  if (needed.length > 0) {
    return {
      none: `${needed.join(" and ")} needs bridged frames to be seen by netfilter (service addresses, its own isolation), so that ${handingNames(family).sysctl} is not to be 0; accept frames from ${name} to ${name} in each chain that drops them`,
    };
  }
  return {
    change: { set: "nf-call-off", family },
    effect: `${family === "ip6" ? "IPv6" : "IPv4"} frames between ports of a bridge pass without netfilter's IP families; what is routed is filtered as before`,
    risk: offRisk(state, family),
  };
}

function offRisk({ filters, netfilterCalls }: BridgeState, family: HandedFamily): string {
  const bridges = filters?.otherBridges ?? [];
  const all =
    netfilterCalls?.sysctls[family] !== true || bridges.length === 0
      ? []
      : [
          `it goes for ${bridges.length > 3 ? `${bridges.length} more bridges` : bridges.join(", ")} of that namespace too`,
        ];
  return [
    ...all,
    "Docker and Kubernetes need it on, for service addresses and their own isolation, and switch it on where they are started",
  ].join("; ");
}

/** Docker leaves that chain alone, and asks it first. */
function userChain(
  filters: Filters | null,
  { family, table, hook }: FilterChain,
): FilterChain | undefined {
  if (hook !== "forward") return undefined;
  return filters?.chains.find(
    (one) => one.name === "DOCKER-USER" && one.family === family && one.table === table,
  );
}

/** Tables whose rules are not read and that such frames can meet. */
function legacyTables(loss: Loss, { legacy }: Filters): string[] {
  if (NF_TABLES.test(loss.where ?? "")) return [];
  return legacy.filter(({ family }) => family === familyOf(loss)).map(({ table }) => table);
}

function ofLegacy(
  loss: Loss,
  { state }: LossContext,
  tables: readonly string[],
  candidates: readonly Candidate[],
): LossWhy {
  const family = familyOf(loss);
  const tool = { ip: "iptables", ip6: "ip6tables", arp: "arptables" }[family];
  return {
    ...{ kind: "loss", cause: "netfilter", basis: "inferred" },
    title: `legacy ${tool} (${tables.join(", ")}) drops frames between ports of ${state.name}: br_netfilter applies it to bridged frames`,
    alternatives: candidates.slice(0, ALTERNATIVES).map(subject),
    evidence: [
      `the rules of legacy ${tool} are not read: ${tool}-legacy-save -c has their counters`,
      ...handedBy(state, family),
    ],
    remedy: {
      none: `its rules are not read, so that it is not known which of them drops these; accept frames from ${state.name} to ${state.name} there, or in DOCKER-USER where Docker has that chain`,
    },
  };
}

function unknown({ state }: LossContext, loss: Loss, reason: string): LossWhy {
  return {
    ...{ kind: "loss", cause: "netfilter", basis: "inferred", remedy: null },
    title: `netfilter dropped them at ${loss.where ?? "a place that is not known"}, and ${reason}`,
    alternatives: [
      "a rule that was removed meanwhile",
      "connection tracking, where its table is full (nf_conntrack: table full)",
      "a BPF program of netfilter's",
    ],
    evidence: handedBy(state, familyOf(loss)),
  };
}
