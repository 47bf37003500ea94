import type { BridgeState, FilterChain, Filters } from "../../../bridge/state.ts";
import { chainPhrase } from "../../causes/netfilter-settings.ts";
import type { Judgement, Rule } from "./rule.ts";

/**
 * br_netfilter shows bridged frames to iptables' FORWARD, and what nothing there accepts meets the policy: hosts of one bridge
 * do not reach each other. Docker sets that policy to drop and accepts what is its own; other bridges of the host are nobody's.
 */
export const nfCallForward: Rule = {
  name: "nf-call-forward",
  judge: (state, facts) => {
    const filters = isAsked(state) ? facts.filters(state) : null;
    if (filters === null || filters === "too-many") return [];
    return filters.chains
      .filter((chain) => isClosed(state, chain, filters))
      .map((chain) => judgement(state, chain, filters));
  },
  unjudged: (state, facts) => {
    if (!isAsked(state)) return null;
    const filters = facts.filters(state);
    if (filters === null) return "to read the rules of netfilter takes CAP_NET_ADMIN";
    if (filters === "too-many") {
      return "the rules of netfilter are read bridge by bridge, of so many of those that are named alone";
    }
    const legacy = filters.legacy.filter(
      ({ family, table }) => table === "filter" && family !== "arp",
    );
    return legacy.length === 0
      ? null
      : "rules of legacy iptables are not read: `iptables-legacy -S FORWARD` shows them";
  },
};

/** Frames go from one port to another, and something shows them to the chains of IP. */
function isAsked({ netfilterCalls: calls, ports }: BridgeState): boolean {
  return ports.length > 1 && calls !== null && (calls.ip || calls.ip6);
}

/** It drops what nothing accepts, and nothing accepts what is new between two ports of this bridge. */
function isClosed(
  { netfilterCalls: calls }: BridgeState,
  chain: FilterChain,
  { chains }: Filters,
): boolean {
  const { family, hook, policy } = chain;
  if (hook !== "forward" || policy !== "drop") return false;
  if (family === "bridge" || family === "netdev") return false;
  if (family === "ip" && !calls?.ip) return false;
  if (family === "ip6" && !calls?.ip6) return false;
  const reached = reachedFrom(chain, chains);
  return reached.every(
    ({ rules, unread }) =>
      unread === 0 &&
      rules.every(
        ({ verdict, asks }) =>
          // Whose frames such a rule lets pass is not judged; that answers pass opens nothing.
          (verdict !== "accept" || asks.includes("ct state")) &&
          verdict !== "vmap" &&
          verdict !== "queue",
      ),
  );
}

function reachedFrom(first: FilterChain, chains: readonly FilterChain[]): FilterChain[] {
  const found = new Set([first]);
  for (const chain of found) {
    for (const name of chain.rules.flatMap(({ leadsTo }) => leadsTo)) {
      const next = chains.find(
        (one) => one.name === name && one.table === chain.table && one.family === chain.family,
      );
      if (next !== undefined) found.add(next);
    }
  }
  return [...found];
}

/** Docker leaves one of its chains to its users, and writes none of the others' rules. */
const USERS = "DOCKER-USER";

function judgement(
  { name, netfilterCalls: calls }: BridgeState,
  chain: FilterChain,
  { chains }: Filters,
): Judgement {
  const into = reachedFrom(chain, chains).find((one) => one.name === USERS) ?? chain;
  const { family, table, name: called, policyFrames } = chain;
  const where = `${family} ${table} ${called}`;
  return {
    severity: "high",
    text: `frames between two ports of ${name} pass the chain ${where} (br_netfilter shows them to it), whose policy is drop and in which nothing accepts them: hosts on ${name} do not reach each other over ${family === "ip6" ? "IPv6" : "IP"}`,
    evidence: [
      `bridge-nf-call-iptables ${onOff(calls?.ip)}, -ip6tables ${onOff(calls?.ip6)} for ${name}`,
      `policy drop of ${where}${policyFrames === null ? "" : `, which has dropped ${policyFrames} frames so far`}; no rule there accepts what comes from ${name} and goes to ${name}`,
    ],
    remedy: {
      change: { set: "accept", chain: into },
      effect: `frames between ports of ${name} pass ${chainPhrase(into)}; all else is filtered as before`,
      risk: `whatever that policy was to keep hosts of ${name} from each other passes as well; a program that owns the table forgets the rule when it writes its own anew`,
    },
  };
}

function onOff(value: boolean | undefined): string {
  return value ? "1" : "0";
}
