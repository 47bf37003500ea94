/** Configuration of bridges that floods or loses frames, told by netlink, sysctls and sysfs alone: no frame is looked at. */
import { addressesSet } from "../../bridge/address-set.ts";
import { portFlags } from "../../bridge/bridge-options.ts";
import { type Labs, placeOf } from "../../bridge/find-namespace.ts";
import { type Link, readLinks } from "../../bridge/links.ts";
import { listPlaces, plainPlace } from "../../bridge/places.ts";
import {
  BridgeGoneError,
  bridgeGone,
  type NamespaceState,
  readBridges,
} from "../../bridge/read-bridge.ts";
import type { BridgeState, Place } from "../../bridge/state.ts";
import { severalBridges, whichBridge } from "../../bridge/which-bridge.ts";
import { LINT_SCHEMA, type Lint, type LintFinding, type NotJudged } from "../../document/lint.ts";
import { requirePeerPrivileges } from "../../system/capabilities.ts";
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
  const { place, ifindex } = await whatToJudge(bridge, netns, labs);
  const namespace = await readBridges(place, { peers, peersOf: ifindex });
  const bridges =
    namespace?.bridges.filter((one) => ifindex === null || one.ifindex === ifindex) ?? [];
  if (namespace === null || bridges.length === 0) {
    throw new BridgeGoneError(
      ifindex === null
        ? "the bridges that were there a moment ago were deleted, or their network namespace is gone"
        : bridgeGone(bridge ?? ""),
    );
  }
  return judged(bridges, factsOf(place, namespace, peers), ifindex !== null);
}

/** What follows from these facts, and from nothing else. `named`: the only bridge was asked for. */
export function judged(bridges: readonly BridgeState[], facts: LintFacts, named: boolean): Lint {
  const findings: LintFinding[] = ALL_RULES.flatMap((rule) => [
    ...bridges.flatMap((state) =>
      (rule.judge?.(state, facts) ?? []).map((one) => findingOf(rule, one, state)),
    ),
    ...(rule.judgeNamespace?.(facts) ?? []).map((one) => findingOf(rule, one, null)),
  ]);
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
    peers: facts.peers,
    findings: findings.sort((a, b) => rank(a) - rank(b)),
    notJudged: notJudged(bridges, facts),
  };
}

const SEVERITIES: LintFinding["severity"][] = ["high", "medium", "low"];

function findingOf(
  { name: rule }: Rule,
  { severity, text, evidence, remedy }: Judgement,
  state: BridgeState | null,
): LintFinding {
  const told = { rule, severity, bridge: state?.name ?? null, text, evidence };
  if (state !== null) return { ...told, ...remedyOf(state, remedy) };
  // Without a bridge there is nothing that a change could be made to.
  const why = remedy !== null && "none" in remedy ? remedy.none : null;
  return { ...told, remedy: null, noRemedy: why };
}

function notJudged(bridges: readonly BridgeState[], facts: LintFacts): NotJudged[] {
  return ALL_RULES.flatMap(({ name: rule, unjudged }) => {
    const byReason = new Map<string, string[]>();
    for (const state of bridges) {
      const why = unjudged?.(state, facts) ?? null;
      if (why !== null) byReason.set(why, [...(byReason.get(why) ?? []), state.name]);
    }
    return [...byReason].map(([why, names]) => ({ rule, bridges: names, why }));
  });
}

/** `ifindex` is null where all bridges of the place are to be judged. */
async function whatToJudge(
  bridge: string | undefined,
  netns: string | undefined,
  labs?: Labs,
): Promise<{ place: Place; ifindex: number | null }> {
  if (bridge === undefined) {
    const home =
      netns === undefined ? listPlaces().find(({ own }) => own) : await placeOf(netns, { labs });
    const here = home === undefined ? [] : readLinks(home);
    if (home !== undefined && here.some(({ kind }) => kind === "bridge")) {
      return { place: plainPlace(home), ifindex: null };
    }
  }
  const found = await whichBridge(bridge, netns, labs);
  const [first] = found;
  if (first === undefined || found.some(({ place }) => place.inode !== first.place.inode)) {
    throw severalBridges(found);
  }
  return { place: first.place, ifindex: bridge === undefined ? null : first.ifindex };
}

function factsOf(place: Place, namespace: NamespaceState, peers: boolean): LintFacts {
  let set: Map<number, boolean | null> | null = null;
  const far = new Map<number, Map<number, Link>>();
  const links = new Map(namespace.links.map((link) => [link.ifindex, link]));
  return {
    ...{ namespace, links, peers },
    addressSet: ({ ifindex }) => {
      set ??= addressesSet(place, namespace.bridges);
      return set.get(ifindex) ?? null;
    },
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
