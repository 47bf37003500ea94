import type {
  BridgeAccount,
  Case,
  MetricName,
  PortAccount,
  Stage,
  TimeCheck,
} from "../../document/case.ts";
import { STAGES } from "../../document/case.ts";
import type { EventOf, MeasuredRound, Timed, TimeProbe } from "../../document/event.ts";
import { bucketQuantile, mergeBuckets, total } from "../../stats/histogram.ts";
import { type NetLatency, netLatency, type StageSession, spread } from "../../stats/net-latency.ts";
import type { PlannedCase } from "../plan/plan.ts";
import { eventsInside, eventsPerFrame, isFlooded } from "../plan/time-probes.ts";

/** One session of one program. */
interface Read extends Timed {
  /** The case's own numbers in its round. */
  metrics: Partial<Record<MetricName, number>>;
  /** How many rounds `off` were before it. */
  offBefore: number;
}

/** What nobody watched, by which the way of a frame is held to account. */
const UNOBSERVED = ["ns_per_frame", "rtt_p50"] as const satisfies readonly MetricName[];

/** A case's stages, as far as the sessions that time them tell. */
export class TimeFold {
  readonly #planned: PlannedCase;
  readonly #off: Partial<Record<MetricName, number>>[] = [];
  readonly #reads: Read[] = [];
  #round: MeasuredRound | null = null;

  constructor(planned: PlannedCase) {
    this.#planned = planned;
  }

  round(round: MeasuredRound): void {
    if (round.side === "off") this.#off.push(round.measured.metrics);
    if (round.side === "time") this.#round = round;
  }

  read({ timed }: EventOf<"read-time">): void {
    const metrics = this.#round?.measured.metrics ?? {};
    this.#reads.push({ ...timed, metrics, offBefore: this.#off.length });
    this.#round = null;
  }

  /** Takes what was timed into the case; `foreign` says whose probes were there meanwhile, or is null. */
  finish(one: Case, foreign: string | null): void {
    if (this.#reads.length === 0) return;
    const nets = new Map<Stage, NetLatency>();
    for (const stage of STAGES) {
      const net = this.net(stage, null);
      if (net.sampled === 0) continue;
      const wrong = foreign ?? this.#notOfThisKind(stage, one.bridge);
      nets.set(stage, wrong === null ? net : withheld(net, wrong));
    }
    const check = this.#check(nets);
    for (const [stage, found] of nets) {
      const net = check.passed === false ? withheld(found, `time check: ${check.reason}`) : found;
      const { sessions: _, ...latency } = net;
      one.latency[stage] = {
        ...{ unit: "ns", count: passages(stage, one) },
        ...latency,
        ...endsOf(stage, this.#planned),
      };
      for (const port of one.ports) this.#byPort(port, stage, net);
    }
    one.timeCheck = check;
  }

  /** What the sessions say of a stage, at these ports or at all. */
  net(stage: Stage, ports: ReadonlySet<number> | null): NetLatency {
    const net = netLatency(this.#sessions(stage, ports), eventsInside(this.#planned, stage));
    const [fault] = this.#reads.flatMap((read) => read.faults);
    return fault === undefined ? net : withheld(net, fault);
  }

  get #metric(): (typeof UNOBSERVED)[number] | null {
    return (
      UNOBSERVED.find((name) => this.#off.some((metrics) => metrics[name] !== undefined)) ?? null
    );
  }

  /** What the case took unobserved near that session: the rounds before and after it. */
  #near({ offBefore }: Read): number | null {
    const metric = this.#metric;
    if (metric === null) return null;
    const around = this.#off.slice(Math.max(0, offBefore - 1), offBefore + 1);
    const values = around.flatMap((metrics) => metrics[metric] ?? []);
    return values.length === 0 ? null : spread(values).value;
  }

  #of(probe: TimeProbe): Read[] {
    return this.#reads.filter((read) => read.probe === probe);
  }

  /** The sessions of a stage at a port, or at all of them, each with the empty path of its turn. */
  #sessions(stage: Stage, ports: ReadonlySet<number> | null): StageSession[] {
    const empties = this.#of("empty");
    // A run that was interrupted may have no empty path to a session: then it says nothing of the stage.
    const reads = this.#readsOf(stage).slice(0, empties.length);
    return reads.map((read, index): StageSession => {
      const mine = read.samples.filter(
        (one) => one.stage === stage && (ports === null || ports.has(one.port)),
      );
      return {
        raw: mergeBuckets(mine.flatMap(({ buckets }) => buckets)),
        empty: empties[index]?.samples.find((one) => one.stage === "observer")?.buckets ?? [],
        eventNs: this.#eventNs(read),
      };
    });
  }

  /** What one whole event of ours costs: the slow-down of the case by the events that a frame passes. */
  #eventNs(read: Read): number | null {
    const metric = this.#metric;
    const unobserved = this.#near(read);
    const observed = metric === null ? undefined : read.metrics[metric];
    if (unobserved === null || observed === undefined) return null;
    const frames = metric === "rtt_p50" ? 2 : 1;
    const events = frames * eventsPerFrame(this.#planned, read.probe);
    return Math.max(0, observed - unobserved) / events;
  }

  /** Frames that the bridge did not treat as the workload means them are no sample of its stage. */
  #notOfThisKind(stage: Stage, bridge: BridgeAccount | undefined): string | null {
    if (bridge === undefined || (stage !== "bridge.forward" && stage !== "bridge.flood"))
      return null;
    const { knownUnicast, unknownUnicast, broadcast, multicast } = bridge.decisions;
    const floods = unknownUnicast + broadcast + multicast;
    const other = isFlooded(this.#planned) ? knownUnicast : floods;
    const share = other / Math.max(1, floods + knownUnicast);
    if (share <= 0.01) return null;
    return `${(share * 100).toFixed(0)} % of the frames were ${stage === "bridge.flood" ? "forwarded to one port" : "flooded"}, and are among the samples`;
  }

  #byPort(port: PortAccount, stage: Stage, net: NetLatency): void {
    const buckets = mergeBuckets(
      this.#sessions(stage, new Set([port.ifindex])).flatMap(({ raw }) => raw),
    );
    if (total(buckets) === 0) return;
    const at = (p: number) => bucketQuantile(buckets, p);
    const taken = net.withheld === null ? net.observer : null;
    const less = (gross: number) => (taken === null ? null : Math.max(0, gross - taken.value));
    const raw = { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
    port.latency[stage] = { sampled: total(buckets), p50: less(raw.p50), p90: less(raw.p90), raw };
  }

  /**
   * The net stages of a frame's way against what it took unobserved: they are parts of it, so together they cannot be
   * more. By sessions, each held against the rounds `off` around it.
   */
  #check(nets: ReadonlyMap<Stage, NetLatency>): TimeCheck {
    const metric = this.#metric;
    const values = this.#off.flatMap((metrics) => (metric === null ? [] : (metrics[metric] ?? [])));
    const unobserved = values.length === 0 ? null : spread(values);
    const parts = wayOf(this.#planned, metric);
    const none: TimeCheck = {
      ...{ unobserved, stages: {}, sum: null, ratio: null, ci: null, passed: null },
      reason: null,
    };
    if (unobserved === null) return { ...none, reason: "the workload has no time per frame" };
    const missing = parts.find(([stage]) => nets.get(stage)?.withheld !== null);
    if (missing !== undefined) {
      const why = nets.get(missing[0])?.withheld ?? "not timed";
      return { ...none, reason: `${missing[0]}: ${why}` };
    }
    const [first] = parts;
    const reads = first === undefined ? [] : this.#readsOf(first[0]);
    const ratios = reads.flatMap((read, session) => {
      const whole = this.#near(read);
      const sum = parts.reduce(
        (all, [stage, times]) => all + times * (nets.get(stage)?.sessions[session] ?? Number.NaN),
        0,
      );
      return whole === null || Number.isNaN(sum) ? [] : [sum / whole];
    });
    const stages = Object.fromEntries(
      parts.map(([stage, times]) => [
        stage,
        Math.max(0, times * spread(known(nets.get(stage)?.sessions ?? [])).value),
      ]),
    );
    const sum = Object.values(stages).reduce((all, one) => all + one, 0);
    if (ratios.length === 0) return { ...none, reason: "no session has all stages" };
    const { value: ratio, ci } = spread(ratios);
    if (ratios.length < 2) {
      const reason = "one session has no interval";
      return { ...none, stages, sum, ratio: Math.max(0, ratio), reason };
    }
    const passed = ci[0] <= 1;
    const percent = Math.round(ratio * 100);
    return {
      ...{ unobserved, stages, sum, passed },
      ratio: Math.max(0, ratio),
      ci,
      reason: passed
        ? null
        : `the stages come to ${percent} % of what the frame took when nobody watched`,
    };
  }

  /** The sessions of the program that times a stage. */
  #readsOf(stage: Stage): Read[] {
    const probe = this.#reads.find(({ samples }) =>
      samples.some((one) => one.stage === stage),
    )?.probe;
    return probe === undefined ? [] : this.#of(probe);
  }
}

/** The stages whose sum is part of the case's own number, and how often a frame passes each. */
function wayOf(planned: PlannedCase, metric: MetricName | null): [Stage, number][] {
  if (planned.topology.kind !== "bridge") return [["path", metric === "rtt_p50" ? 2 : 1]];
  if (metric === "rtt_p50") return [["path", 2]];
  if (isFlooded(planned)) return [["bridge.flood", 1]];
  return [
    ["veth.in", 1],
    ["bridge.forward", 1],
    ["veth.out", 1],
  ];
}

/** Those of sessions that have samples. */
function known(sessions: readonly number[]): number[] {
  return sessions.filter((value) => !Number.isNaN(value));
}

function withheld(net: NetLatency, reason: string): NetLatency {
  return { ...net, p10: null, p50: null, p90: null, estimate: null, withheld: reason };
}

/** How often each stage was passed while frames were counted. */
function passages(
  stage: Stage,
  { ports, bridge }: { ports: readonly PortAccount[]; bridge?: BridgeAccount | undefined },
): number {
  if (bridge === undefined) return 0;
  const hosts = ports.filter((port) => port.name !== "host");
  const sum = (pick: (port: PortAccount) => number) =>
    hosts.reduce((all, port) => all + pick(port), 0);
  const delivered = Math.max(
    0,
    sum((port) => port.egress - port.counters.txDropped),
  );
  const { knownUnicast, unknownUnicast, broadcast, multicast } = bridge.decisions;
  switch (stage) {
    case "veth.in":
      return sum((port) => port.ingress);
    case "veth.out":
      return delivered;
    case "path":
      return Math.max(0, delivered - bridge.originated);
    case "bridge.forward":
      return knownUnicast;
    case "bridge.flood":
      return unknownUnicast + broadcast + multicast;
    case "bridge.learn":
      return bridge.learned;
    default:
      return 0;
  }
}

/** The events between which a stage is timed. */
function endsOf(stage: Stage, { workload, topology }: PlannedCase): { from: string; to: string } {
  const begin =
    workload.bypassesQdisc || topology.kind !== "bridge"
      ? "net:netif_rx (in veth_xmit of the sender: what comes before is not in it)"
      : "net:net_dev_queue (sender)";
  const port = "net:netif_receive_skb (port)";
  const arrival = "net:netif_receive_skb (destination)";
  switch (stage) {
    case "veth.in":
      return { from: begin, to: port };
    case "bridge.flood":
      return {
        from: port,
        to:
          workload.heardByHost === true
            ? "net:netif_receive_skb (the bridge itself, after the last copy)"
            : "net:net_dev_queue (last copy)",
      };
    case "bridge.learn":
      return { from: port, to: "bridge:br_fdb_update" };
    case "veth.out":
      return { from: "net:net_dev_queue (egress port)", to: arrival };
    case "path":
      return { from: begin, to: arrival };
    default:
      return { from: port, to: "net:net_dev_queue (egress port)" };
  }
}
