/** Configuration of bridges that floods or loses frames, told by netlink, sysctls and sysfs alone: no frame is looked at. */
import { setTimeout } from "node:timers/promises";
import { addressesSet } from "../../bridge/address-set.ts";
import { portFlags } from "../../bridge/bridge-options.ts";
import { type Labs, placeOf } from "../../bridge/find-namespace.ts";
import { type Link, readLinks } from "../../bridge/links.ts";
import { lldpReader } from "../../bridge/lldp-listeners.ts";
import { readNetfilter } from "../../bridge/netfilter.ts";
import { ownPlace } from "../../bridge/places.ts";
import {
  BridgeGoneError,
  bridgeGone,
  type NamespaceState,
  readBridges,
} from "../../bridge/read-bridge.ts";
import type { BridgeState, Filters, Place } from "../../bridge/state.ts";
import { severalBridges, whichBridge } from "../../bridge/which-bridge.ts";
import { LINT_SCHEMA, type Lint, type LintFinding, type NotJudged } from "../../document/lint.ts";
import { requireLivePrivileges, requirePeerPrivileges } from "../../system/capabilities.ts";
import { remedyOf } from "../causes/remedy.ts";
import { ALL_RULES } from "./rules/index.ts";
import type { Judgement, LintFacts, Rule } from "./rules/rule.ts";

export interface LintOptions {
  /** The bridge's name; all bridges of the namespace where it is absent. */
  bridge?: string | undefined;
  /** The namespace: a path, a PID, a name of `ip netns`, a container, a lab, or as it is printed; our own where it is absent. */
  netns?: string | undefined;
  /** Looks into the namespaces behind the ports, too: takes CAP_SYS_ADMIN. */
  peers?: boolean | undefined;
}

/**
 * Judges a bridge, or all of a namespace. Nothing is changed, and no probe is attached. Rejected with a UsageError where there
 * is no such bridge, a PrerequisiteError where another namespace is asked for and may not be entered, and a BridgescopeError
 * where the bridge goes meanwhile. `labs` knows the labs that `netns` may name.
 */
export async function lintBridges(options: LintOptions = {}, labs?: Labs): Promise<Lint> {
  const { bridge, netns, peers = false } = options;
  if (peers) requirePeerPrivileges();
  if (netns !== undefined) requireLivePrivileges();
  const home = netns === undefined ? ownPlace() : await placeOf(netns, { labs });
  const here = home === undefined ? null : await lintAt(home, bridge, peers);
  if (here !== null) return here;
  // Elsewhere, or a sentence that says what there is instead.
  const found = await whichBridge(bridge, netns, labs);
  const [first] = found;
  if (first === undefined || found.some(({ place }) => place.inode !== first.place.inode)) {
    throw severalBridges(found);
  }
  const there = await lintAt(first.place, bridge, peers);
  if (there === null) throw new BridgeGoneError(bridgeGone(first.name));
  return there;
}

/** Of one bridge of the place, or of all; null where there is no such bridge, or none at all. */
export async function lintAt(
  place: Place,
  bridge: string | undefined,
  peers: boolean,
): Promise<Lint | null> {
  const lint = await judgedAt(place, bridge, peers);
  if (!lint?.findings.some(({ rule }) => rule === "snooping-no-member")) return lint;
  // Whoever has joined only now has not said so yet.
  await setTimeout(REPORTED_MS);
  return judgedAt(place, bridge, peers);
}

/** Within this Linux has sent the reports of a group that it joins (RFC 9776, 8.11; RFC 9777, 9.11). */
const REPORTED_MS = 2000;

async function judgedAt(
  place: Place,
  bridge: string | undefined,
  peers: boolean,
): Promise<Lint | null> {
  const namespace = await readBridges(place, { peers, peersOf: bridge });
  const judgedOnes =
    namespace?.bridges.filter(({ name }) => bridge === undefined || name === bridge) ?? [];
  if (namespace === null || judgedOnes.length === 0) return null;
  return judged(factsOf(place, namespace, judgedOnes, peers), bridge !== undefined);
}

/** What follows from these facts, and from nothing else. `named`: the only bridge was asked for. */
export function judged(facts: LintFacts, named: boolean): Lint {
  const { judged: bridges, peers } = facts;
  const findings: LintFinding[] = ALL_RULES.flatMap((rule) =>
    bridges.flatMap((state) => rule.judge(state, facts).map((one) => findingOf(rule, one, state))),
  );
  const rank = ({ severity }: LintFinding) => SEVERITIES.indexOf(severity);
  const [first] = bridges;
  const place = first?.place;
  const home = { inode: place?.inode ?? 0, label: place?.label ?? "" };
  return {
    schema: LINT_SCHEMA,
    time: new Date().toISOString(),
    bridge:
      first !== undefined && (named || bridges.length === 1)
        ? { name: first.name, ifindex: first.ifindex, namespace: home }
        : null,
    namespace: home,
    bridges: bridges.map(({ name }) => name),
    ports: bridges.reduce((sum, { ports }) => sum + ports.length, 0),
    peers,
    findings: findings.sort((a, b) => rank(a) - rank(b)),
    notJudged: notJudged(facts),
  };
}

const SEVERITIES: LintFinding["severity"][] = ["high", "medium", "low"];

function findingOf(
  { name: rule }: Rule,
  { severity, text, evidence, remedy }: Judgement,
  state: BridgeState,
): LintFinding {
  return { rule, severity, bridge: state.name, text, evidence, ...remedyOf(state, remedy) };
}

function notJudged(facts: LintFacts): NotJudged[] {
  return ALL_RULES.flatMap(({ name: rule, unjudged }) => {
    const byReason = new Map<string, string[]>();
    for (const state of facts.judged) {
      const why = unjudged?.(state, facts) ?? null;
      if (why !== null) byReason.set(why, [...(byReason.get(why) ?? []), state.name]);
    }
    return [...byReason].map(([why, names]) => ({ rule, bridges: names, why }));
  });
}

/** Their rules are read for each bridge anew: of more than these only where they may matter at all. */
const MOST_FILTERED = 20;

function filtersReader(
  bridges: readonly BridgeState[],
  links: readonly Link[],
): LintFacts["filters"] {
  const read = new Map<BridgeState, Filters | null>();
  let drops: boolean | null = null;
  let forbidden = false;
  return (bridge) => {
    const known = read.get(bridge);
    if (known !== undefined) return known;
    // A hook's chains are the same for all bridges of a namespace; what is none of the policy is none of the rules.
    if (drops === false) return NOTHING;
    if (forbidden) return null;
    if (read.size >= MOST_FILTERED && bridges.length > MOST_FILTERED) return "too-many";
    const filters = readNetfilter(bridge, links);
    forbidden = filters === null;
    read.set(bridge, filters);
    if (filters === null || filters.legacy.length > 0) return filters;
    drops = filters.chains.some(({ hook, policy }) => hook === "forward" && policy === "drop");
    return filters;
  };
}

const NOTHING: Filters = { chains: [], legacy: [], keepers: [], otherBridges: [] };

function factsOf(
  place: Place,
  namespace: NamespaceState,
  bridges: readonly BridgeState[],
  peers: boolean,
): LintFacts {
  let set: Map<number, boolean | null> | null = null;
  const far = new Map<number, Map<number, Link>>();
  const links = new Map(namespace.links.map((link) => [link.ifindex, link]));
  return {
    ...{ judged: bridges, peers },
    addressSet: ({ ifindex }) => {
      set ??= addressesSet(place, bridges);
      return set.get(ifindex) ?? null;
    },
    filters: filtersReader(bridges, namespace.links),
    lldp: lldpReader(),
    portState: (at, ifindex) => {
      const known =
        at.inode === place.inode
          ? links
          : (far.get(at.inode) ?? new Map(readLinks(at).map((link) => [link.ifindex, link])));
      far.set(at.inode, known);
      const link = known.get(ifindex);
      return link?.slaveKind === "bridge" ? portFlags(link.slaveData).state : null;
    },
  };
}
