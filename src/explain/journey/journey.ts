/** One flow's journey over a bridge: what became of its frames, hop by hop, in both directions. */
import { setTimeout as sleep } from "node:timers/promises";
import type { NameCache } from "../../bridge/containers.ts";
import type { Labs } from "../../bridge/find-namespace.ts";
import { readLinks } from "../../bridge/links.ts";
import { withFilters } from "../../bridge/netfilter.ts";
import type { BridgeState } from "../../bridge/state.ts";
import type { Finding, Thresholds } from "../../document/explain.ts";
import type { Journey, JourneyDirection } from "../../document/journey.ts";
import type { Collected, Lost } from "../../live/collect.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { readSoftnetDrops } from "../../system/softnet.ts";
import { plural } from "../../text/units.ts";
import type { Loss } from "../causes/loss/cause.ts";
import { sum } from "../causes/peak.ts";
import { readAgain } from "../explain.ts";
import { howCounted } from "../judge/counted.ts";
import { judged } from "../judge/findings.ts";
import { knownPorts } from "../judge/ports.ts";
import { type FlowDrop, watchDrops } from "./drops.ts";
import { type End, endPhrase } from "./ends.ts";
import { compiled, flowProgram } from "./filter.ts";
import { findEnds } from "./find-ends.ts";
import { type Listened, openListening, SNAP } from "./listen.ts";
import { answersTo, directionOf, heardInstead, type Outcome, outcomeOf } from "./outcome.ts";
import { type Probed, parseProbe, probeWay, sendProbes } from "./probe.ts";
import { planRuleTrace, type RuleTrace, type TracedRule } from "./trace-rules.ts";
import { decisionOf, hooksOf, lostPhrase, verdictOf } from "./verdict.ts";
import { type TapPoint, waysOf } from "./way.ts";

export interface JourneyOptions {
  from: string;
  to: string;
  bridge?: string | undefined;
  netns?: string | undefined;
  filter?: string | undefined;
  /** `ping` or `udp:PORT`; nothing is sent when absent. */
  probe?: string | undefined;
  /** Adds a table of ours that marks frames of the flow, and tells which rules they meet. */
  traceRules?: boolean | undefined;
  /** Called with what --trace-rules is about to do. */
  onTrace?: ((text: string) => void) | undefined;
  /** Of looking; when absent 3, or less where it took long to begin, so that the answer is there within 5. */
  seconds?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called when all is listened to, with the seconds that it will take. */
  onCounting?: ((seconds: number) => void) | undefined;
}

export interface Journeyed {
  before: BridgeState;
  state: BridgeState;
  journey: Journey;
  findings: Finding[];
  seconds: number;
  notes: string[];
  /** The bridge was gone at the end: it is judged by the state of before. */
  gone: boolean;
}

const SECONDS = 3;
const LEAST_SECONDS = 1;
/**
 * In all, with room for what cannot be foreseen. What comes before (Node's start) and after (detaching, reading, judging)
 * took up to 1.3 times as long as getting ready, idle or with a load of seven on two CPUs: the less time is left to look.
 */
const ANSWER_SECONDS = 4.5;
const IN_ALL = 2.3;
/** On a busy machine it takes long to attach: then it looks already, and knows of drops from later on; who says for how long it is to look can wait. */
const ATTACH_SECONDS = 2;
const ATTACH_ASKED_SECONDS = 10;
const BEGUN_MS = 50;

/** Every lost frame of a flow that somebody asks for is told. */
function thresholdsOf(usual: Thresholds): Thresholds {
  return { ...usual, lost: 1, lostPerSecond: 0 };
}

/**
 * Looks at the frames between two ends. Rejected with a UsageError where these are not one each on one bridge, or what is
 * asked for cannot be; where nothing can be probed here the drops are missing, and a note says so.
 */
export async function lookAtJourney(
  options: JourneyOptions,
  thresholds: Thresholds,
  labs?: Labs,
): Promise<Journeyed> {
  const startedMs = performance.now();
  const { filter, signal } = options;
  const probe = options.probe === undefined ? null : parseProbe(options.probe);
  // It takes as long to attach as all that is read before.
  const giveUp = new AbortController();
  const abort = () => giveUp.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const watching = watchDrops(giveUp.signal).catch((error: unknown) => {
    if (error instanceof BridgescopeError) return error.message;
    if (giveUp.signal.aborted) return "it was ended before they were attached";
    throw error;
  });
  try {
    const only = filter === undefined ? null : await compiled(filter);
    const names: NameCache = new Map();
    const { state, a, b } = await findEnds(options, labs, names);
    const before = withFilters(state);
    const sending = probe === null ? null : probeWay(probe, a, b);
    const tracing =
      options.traceRules === true ? planRuleTrace({ state: before, ends: [a, b] }) : null;
    const { ways, taps } = waysOf(before, a, b);
    const ports = [a, b].flatMap(({ port }): TapPoint[] =>
      port ? [{ place: before.place, ifindex: port.ifindex, vxlan: null }] : [],
    );
    const listening = openListening(taps, flowProgram(a, b, only, SNAP), ports);
    let trace: RuleTrace | null = null;
    try {
      if (tracing !== null) {
        options.onTrace?.(tracing.text);
        trace = tracing.open();
      }
      const elapsedMs = () => performance.now() - startedMs;
      const following = watching.then((attached) => {
        if (typeof attached === "string") return attached;
        attached.follow(before, [...a.macs, ...b.macs], taps);
        return { attached, atNs: Number(process.hrtime.bigint()) };
      });
      following.catch(() => {});
      const most = options.seconds === undefined ? ATTACH_SECONDS : ATTACH_ASKED_SECONDS;
      const patience = Math.max(0, most * 1000 - elapsedMs());
      await Promise.race([following, sleep(patience, undefined, { ref: false })]);
      const elapsed = elapsedMs() / 1000;
      const room = Math.min(SECONDS, ANSWER_SECONDS - elapsed * IN_ALL);
      const seconds = options.seconds ?? Math.max(LEAST_SECONDS, room);
      // The kernel begins to take times a moment after it was asked to.
      await sleep(BEGUN_MS);
      const softnet = readSoftnetDrops();
      listening.began();
      options.onCounting?.(seconds);
      const over = new AbortController();
      const probing =
        sending === null ? null : sendProbes(sending, seconds, anyOf(over.signal, signal));
      probing?.catch(() => {});
      const listened = await listening.listen(seconds, signal);
      over.abort();
      const probed = (await probing) ?? null;
      // What is attached stays so.
      giveUp.abort();
      const dropping = await following;
      const softnetDropped = Math.max(0, (readSoftnetDrops() ?? 0) - (softnet ?? 0));
      // The kernel takes its time to detach.
      const [dropped, rules, now] = await Promise.all([
        typeof dropping === "string" ? { drops: [], lost: 0 } : dropping.attached.end(),
        trace?.seen() ?? null,
        readAgain(before, names),
      ]);
      const seen: Seen = {
        ...{ before, state: now ?? before, gone: now === null, a, b, ways, taps },
        dropsFromNs:
          typeof dropping === "string" ? 0 : Math.max(0, dropping.atNs - listened.beganNs),
        ...{ listened, drops: dropped.drops, probed, softnetDropped, rules },
        ...{ options, thresholds },
        notes: [
          ...(typeof dropping === "string"
            ? [
                `drops were not looked at, so that it is told where frames were seen last, and not why they were lost: ${dropping}`,
              ]
            : lateNote(dropping.atNs, listened)),
          ...(dropped.lost > 0
            ? [`${plural(dropped.lost, "line")} of drops did not come through`]
            : []),
        ],
      };
      const journeyed = told(seen);
      if (now === null || !mayBeUnanswered(journeyed, seen)) return journeyed;
      await sleep(UNANSWERED_MS);
      return told({ ...seen, state: (await readAgain(before, names)) ?? now });
    } finally {
      trace?.close();
      listening.close();
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    giveUp.abort();
    const attached = await watching;
    if (typeof attached !== "string") await attached.close();
  }
}

/**
 * A remote that is asked for in vain fails every three seconds and is asked for anew, and a second later it is told from one
 * that has not answered yet. So two readings three seconds apart may both come too early.
 */
const UNANSWERED_MS = 1100;

function mayBeUnanswered({ findings }: Journeyed, { a, b }: Seen): boolean {
  const silent = findings.some(({ cause, where }) => cause === "other" && where === null);
  return silent && [a, b].some(({ port }) => port?.vxlan != null);
}

function lateNote(atNs: number, listened: Listened): string[] {
  const seconds = (atNs - listened.beganNs) / 1e9;
  if (seconds <= 0) return [];
  if (seconds >= listened.seconds) {
    return [
      "drops were not looked at, so that it is told where frames were seen last, and not why they were lost: the probes took longer to attach than it looked (--duration lets them)",
    ];
  }
  return [`drops were looked at from ${seconds.toFixed(1)} s on: the probes took long to attach`];
}

function anyOf(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other]);
}

interface Seen {
  before: BridgeState;
  state: BridgeState;
  gone: boolean;
  a: End;
  b: End;
  ways: ReturnType<typeof waysOf>["ways"];
  taps: TapPoint[];
  listened: Listened;
  drops: FlowDrop[];
  /** Nanoseconds since it began to listen. */
  dropsFromNs: number;
  probed: Probed | null;
  softnetDropped: number;
  rules: TracedRule[] | null;
  options: Pick<JourneyOptions, "from" | "to" | "filter">;
  thresholds: Thresholds;
  notes: string[];
}

/** All that follows from what was seen. */
function told(seen: Seen): Journeyed {
  const { before, state, gone, a, b, ways, listened, probed, options } = seen;
  const heard = ([0, 1] as const).map((which) =>
    listened.heard.filter(({ frame }) => directionOf(frame, a, b) === which),
  );
  const [there = [], back = []] = heard;
  const drops = [...seen.drops];
  const outcomes = [
    outcomeOf(
      state,
      ways[0],
      there,
      listened,
      drops,
      seen.dropsFromNs,
      answersTo(ways[0], ways[1], back),
    ),
    outcomeOf(
      state,
      ways[1],
      back,
      listened,
      drops,
      seen.dropsFromNs,
      answersTo(ways[1], ways[0], there),
    ),
  ];
  const names = knownPorts(state, before);
  const directions = outcomes.map(({ direction, known }, index): JourneyDirection => {
    const to = index === 0 ? b : a;
    const destinations = [...known].sort((x, y) => y.frames - x.frames);
    return {
      ...direction,
      hops: withUnderlay(direction.hops, listened, ways[index === 0 ? 0 : 1], seen.taps),
      decision: decisionOf(
        state,
        to,
        destinations.map(({ destination }) => destination),
      ),
      hooks: hooksOf(state),
    };
  });
  const parts = {
    directions,
    heard: heardInstead(listened.instead, (ifindex) => names.of(ifindex).name),
    filter: options.filter ?? null,
    probe: probed,
  };
  const findings = findingsOf(seen, outcomes, directions);
  return {
    ...{ before, state, gone, findings, seconds: listened.seconds },
    notes: [
      ...seen.notes,
      ...(listened.full
        ? [
            `it ended after ${listened.seconds.toFixed(1)} s: as many frames as are told apart had come by then`,
          ]
        : []),
      ...(listened.missed > 0
        ? [
            `${plural(listened.missed, "frame")} found no room where they were listened for: what was seen last of others may be wrong`,
          ]
        : []),
    ],
    journey: {
      from: endOf(state, options.from, a),
      to: endOf(state, options.to, b),
      ...parts,
      verdict: verdictOf(parts, listened.seconds),
      elsewhere: elsewhereOf(state, a, b),
      rules:
        seen.rules?.map(({ from, ...rule }) => ({
          ...rule,
          from: (from === 1 ? b : a).ips[0] ?? (from === 1 ? b : a).macs[0] ?? "",
        })) ?? null,
    },
  };
}

/** The device that the routes chose for what travels within VXLAN is known from frames alone. */
function withUnderlay(
  hops: JourneyDirection["hops"],
  { heard }: Listened,
  way: Seen["ways"][number],
  taps: readonly TapPoint[],
): JourneyDirection["hops"] {
  return hops.map((hop, index) => {
    const at = way.hops[index];
    if (hop.role !== "underlay" || at === undefined) return hop;
    const first = heard.find(({ tap, outgoing }) => tap === at.tap && outgoing === at.outgoing);
    return first === undefined ? hop : { ...hop, device: deviceAt(taps[at.tap], first.ifindex) };
  });
}

function deviceAt(tap: TapPoint | undefined, ifindex: number): string {
  const links = tap === undefined ? [] : readLinks(tap.place);
  return links.find((link) => link.ifindex === ifindex)?.name ?? `ifindex ${ifindex}`;
}

function endOf(state: BridgeState, asked: string, end: End): Journey["from"] {
  const { port, devices, macs, ips, remote } = end;
  const device = devices.at(-1);
  return {
    ...{ asked, text: endPhrase(state, end), port: port?.name ?? null },
    owner: port?.owner?.label ?? null,
    namespace:
      device === undefined ? null : { inode: device.place.inode, label: device.place.label },
    ...{ device: device?.name ?? null, macs, ips, remote },
  };
}

/** Of an end on another host the rest is seen there. */
function elsewhereOf({ name }: BridgeState, a: End, b: End): string | null {
  const far = [a, b].find(({ port, devices }) => port?.vxlan != null && devices.length === 0);
  if (far === undefined) return null;
  const [from, to] = [a, b].map(({ ips, macs }) => ips[0] ?? macs[0] ?? "");
  const host = far.remote === null ? "the host of the other end" : `the host of ${far.remote}`;
  return `what becomes of them behind ${far.port?.name} is seen on ${host} alone: bridgescope explain --from ${from} --to ${to} there (its bridge may be called otherwise than ${name})`;
}

/** The same causes as of every other loss; what none of them knows and no drop shows is told by where it was seen last. */
function findingsOf(
  { before, state, listened, softnetDropped, thresholds }: Seen,
  outcomes: readonly Outcome[],
  directions: readonly JourneyDirection[],
): Finding[] {
  const losses = outcomes.flatMap((one) => one.losses);
  if (losses.length === 0) return [];
  const collected: Collected = {
    ...{ seconds: listened.seconds, beganNs: listened.beganNs, counted: listened.seconds },
    beganAt: listened.beganAt,
    ...{
      backend: "tracepoint",
      came: sum(outcomes, (one) => sum(one.known, ({ frames }) => frames)),
    },
    ...{ flows: outcomes.flatMap((one) => one.flows), known: outcomes.flatMap((one) => one.known) },
    lost: losses.flatMap(asLost),
    ...{ softnetDropped, got: [], moves: [], deleted: [], homes: [] },
    ...{ ownAddresses: [before.address], share: 0, ended: null, notes: [] },
  };
  const counting = howCounted(collected);
  const { findings } = judged(state, collected, thresholdsOf(thresholds), { before });
  const mine = findings
    .filter(({ kind }) => kind !== "flood")
    .map((finding) => ({
      ...finding,
      evidence: [...finding.evidence.filter((one) => one !== counting), COUNTED],
    }));
  const silent = losses.filter(({ where }) => where === null);
  if (mine.length > 0 || silent.length === 0) return mine;
  return silent.slice(0, 1).map((loss) => vanished(state, before, loss, directions));
}

const COUNTED = "seen by packet sockets at each hop, drops by skb:kfree_skb";

function asLost({ came: _, where, ...loss }: Loss): Lost[] {
  return where === null ? [] : [{ ...loss, where }];
}

/** Neither a drop nor a cause. */
function vanished(
  state: BridgeState,
  before: BridgeState,
  loss: Loss,
  directions: readonly JourneyDirection[],
): Finding {
  const ports = knownPorts(state, before);
  const told = directions.flatMap(({ lost }) => lost).filter(({ drop }) => drop === null);
  const { source, destination, addresses, frames, came } = loss;
  return {
    ...{ kind: "loss", cause: "other", basis: "observed", alternatives: [] },
    title: `frames vanish after ${told[0]?.last ?? "a hop"}, and no drop of them was seen`,
    severity: came !== null && frames >= came ? "high" : "medium",
    ...{ source, destination, vlan: loss.vlan, protocol: addresses.protocol },
    addresses: { source: addresses.source, destination: addresses.destination },
    ...{ sourcePort: loss.sourcePort, destinationPort: loss.destinationPort },
    ingressPort: ports.of(loss.port),
    since: "before attach",
    ...{ frames: came ?? frames, copies: 0, lost: frames, bytes: 0 },
    ...{ framesPerSecond: 0, copiesPerSecond: 0, where: null, reason: null },
    ...{ victims: [], captures: [] },
    evidence: [...told.map(lostPhrase), COUNTED],
    ...{ remedy: null, noRemedy: null },
  };
}
