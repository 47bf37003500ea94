import {
  type Case,
  METRICS,
  type MetricName,
  type Probe,
  type Round,
  STAGES,
  type Stage,
} from "../../document/case.ts";
import type { EventOf, MeasuredRound, RunEvent } from "../../document/event.ts";
import { foreignText } from "../../document/foreign.ts";
import type { ProbeBackend } from "../../probes/backend.ts";
import { lagOne } from "../../stats/autocorrelation.ts";
import { headlinesOf } from "../../stats/compare/paired.ts";
import { countedLatency } from "../../stats/counted-latency.ts";
import { roundTrip } from "../../stats/round-trip.ts";
import { countedSamples } from "../../stats/samples.ts";
import { unsteadiness, unsteadyWords } from "../../stats/unsteady.ts";
import { ratioOfMeans } from "../../stats/welch.ts";
import { isTimed, type PlannedCase } from "../plan/plan.ts";
import { isFlooded } from "../plan/time-probes.ts";
import { Disturbances, stolenShare } from "./disturbance.ts";
import { ForeignSeen, presentIn } from "./foreign.ts";
import { TimeFold } from "./time-fold.ts";

export interface CaseFoldOptions {
  /** The name under which the case's lab is built and its workload prepared. */
  slot: string;
  seed: number;
  /** How stages are counted in instructions; null by the wall clock, and where nothing is probed. */
  icount?: Pick<ProbeBackend, "name" | "reason"> | null;
  clock?: "wall" | "icount";
  /** Why no stage can be timed on this machine, or null. */
  untimed?: string | null;
  warnings?: readonly string[];
}

/** Rounds of one driver, with the readings around them. */
type Kept = MeasuredRound & { discarded: boolean; measurement: number | undefined };

/** Where in `bench --vs` a round belongs, and why its pair does not count. */
interface Grouping {
  measurement?: number | undefined;
  block?: number | undefined;
  change: string | null;
}

/** A case as far as its events tell it. */
export class CaseFold {
  readonly #planned: PlannedCase;
  readonly #options: CaseFoldOptions;
  #case: Case;
  #kept: Kept[] = [];
  #time: TimeFold;
  /** Probes are attached, and what they counted was not read. */
  #unread = false;
  /** How many rounds there were when they were attached. */
  #attachedAt = 0;
  #before = 0;
  readonly #foreign = new ForeignSeen();

  constructor(planned: PlannedCase, options: CaseFoldOptions) {
    this.#planned = planned;
    this.#options = options;
    this.#case = emptyCase(planned);
    this.#time = new TimeFold(planned);
    this.#warn(options.warnings ?? []);
    const { icount } = options;
    if (icount == null) return;
    this.#case.probe = {
      backend: icount.name,
      reason: icount.reason,
      ...{ events: 0, lost: 0, missed: 0, degraded: [], emptyNs: null, programs: [] },
      ...{ slowdown: null, notObservable: [] },
    };
  }

  enter(event: RunEvent): void {
    this.#foreign.enter(event);
    switch (event.act) {
      case "build":
        if (event.lab === this.#options.slot) this.#built(event);
        break;
      case "prepare":
        if (event.driver === this.#options.slot) this.#prepared(event);
        break;
      case "attach":
      case "attach-time":
      case "attach-stage":
        this.#unread = true;
        this.#attachedAt = this.#case.rounds.length;
        break;
      case "measure":
        this.#measured(event);
        break;
      case "read":
        this.#read(event);
        break;
      case "read-time":
        this.#unread = false;
        this.#time.read(event);
        break;
      case "detach":
        this.#unread = false;
        break;
      case "read-stage":
        this.#stage(event);
        break;
      case "refuse":
        this.#case.probe?.notObservable.push({ stage: event.id as Stage, reason: event.reason });
        break;
      case "session":
        this.#session(event);
        break;
      case "discard":
        this.#discard(event.reason);
        this.#case.warnings.push(`measured again: in attempt ${event.attempt} ${event.reason}`);
        break;
      case "resume":
        this.#resumed();
        break;
      case "close":
        this.#warn(event.warnings);
        break;
      case "fail":
        this.#case.error = event.error;
        break;
      default:
    }
  }

  /** The case, in the state that its run gives it. */
  document(state: Case["state"]): Case {
    const one = structuredClone(this.#case);
    one.state = state === "complete" && one.error !== null ? "failed" : state;
    if (this.#before > 0) {
      one.warnings.push(
        `the run was cut off and resumed: ${this.#before} of the rounds are of labs that were built before`,
      );
    }
    const trips = this.#off.flatMap(({ measured }) => measured.roundTrip ?? []);
    const together = roundTrip(trips);
    if (together !== undefined) one.roundTrip = together;
    const foreign = this.#foreign.named(new Set(this.#counted().flatMap(presentIn)));
    if (foreign.length > 0) one.foreignProbes = foreign;
    one.warnings.push(...this.#unsteady());
    if (one.probe !== undefined && this.#options.clock !== "icount") {
      one.probe.slowdown = slowdown(this.#kept);
      one.probe.notObservable.push(...untimed(this.#planned, this.#options.untimed ?? null, one));
    }
    const meanwhile = this.#kept.filter(({ side }) => side === "time").flatMap(presentIn);
    const others = this.#foreign.named(new Set(meanwhile));
    // Whoever else is at a stage's ends, or inside it, is in its time.
    this.#time.finish(
      one,
      others.length === 0 ? null : `other people's probes were there: ${foreignText(others)}`,
    );
    return one;
  }

  /** As far as it has come, for decisions that need its samples. */
  get soFar(): Readonly<Case> {
    return this.#case;
  }

  #built({ read, setupNs, warnings }: EventOf<"build">): void {
    this.#warn(warnings);
    this.#case.lab = { ...read, placement: [] };
    if (setupNs !== null && this.#options.clock !== "icount") this.#sample("setup_time", setupNs);
  }

  #prepared({ workload, placement }: EventOf<"prepare">): void {
    this.#case.workload = workload;
    this.#case.lab = { ...this.#case.lab, placement };
  }

  get #off(): Kept[] {
    return this.#kept.filter(({ side }) => side === "off");
  }

  #measured({ rounds, measurement, block }: EventOf<"measure">): void {
    // What changes between a pair's two rounds makes a change of its ratio; what it does to the values has no say.
    const change = measurement === undefined ? null : this.#foreign.change(rounds);
    for (const one of rounds) {
      if (one.driver === this.#options.slot) this.#round(one, { measurement, block, change });
    }
  }

  #counted(): Kept[] {
    return this.#kept.filter(({ discarded }) => !discarded);
  }

  /** What a reader has to know of the rounds behind the case's number; of pairs, their ratio is what counts. */
  #unsteady(): string[] {
    const [metric] = headlinesOf(this.#case);
    const timed = this.#options.clock !== "icount" && this.#case.sessions === undefined;
    if (metric === undefined || !timed) return [];
    const samples = countedSamples(this.#case, metric).map(({ value }) => value);
    return unsteadyWords(metric, unsteadiness(samples));
  }

  #round(one: MeasuredRound, { measurement, block, change }: Grouping): void {
    const { side, stage, startNs, durationNs, before, after, measured } = one;
    const index = this.#case.rounds.length + 1;
    const discarded = block === 0 ? "warm-up" : change;
    const round: Round = {
      ...{ index, side, startNs, durationNs, cpu: measured.cpu },
      ...(stage === undefined ? {} : { stage }),
      steal: this.#options.clock === "icount" ? null : stolenShare(before.cpu, after.cpu),
      discarded,
      ...(measurement === undefined ? {} : { measurement }),
      ...(block === undefined ? {} : { block }),
      ...(measured.rttNs === undefined ? {} : { rttNs: measured.rttNs }),
    };
    this.#case.rounds.push(round);
    this.#kept.push({ ...one, discarded: discarded !== null, measurement });
    this.#time.round(one);
    // What a case found is of rounds in which nobody watched.
    if (side === "off" || this.#options.clock === "icount") this.#enter(measured, index);
  }

  #enter(measured: MeasuredRound["measured"], index: number): void {
    const { trials, learning, warnings = [], metrics } = measured;
    const inRound = <T extends object>(list: readonly T[]) =>
      list.map((one) => ({ round: index, ...one }));
    const one = this.#case;
    if (trials !== undefined) one.trials = [...(one.trials ?? []), ...inRound(trials)];
    if (learning !== undefined) one.learning = [...(one.learning ?? []), ...inRound(learning)];
    this.#warn(warnings);
    for (const [name, value] of Object.entries(metrics)) this.#sample(name as MetricName, value);
  }

  #sample(name: MetricName, value: number): void {
    const { unit, better } = METRICS[name];
    this.#case.metrics[name] ??= { unit, better, samples: [] };
    this.#case.metrics[name].samples.push(value);
  }

  #read({ counted }: EventOf<"read">): void {
    this.#unread = false;
    const { ports, bridge, probe, warnings } = counted;
    Object.assign(this.#case, { ports, probe });
    if (bridge !== undefined) this.#case.bridge = bridge;
    this.#warn(warnings);
  }

  #stage({ counts }: EventOf<"read-stage">): void {
    this.#unread = false;
    const { probe } = this.#case;
    const { stage, observer, perRound, buckets, from, to, lost, degraded, reason } = counts;
    if (probe === undefined) return;
    probe.lost += lost;
    probe.degraded.push(...degraded);
    if (reason !== null) probe.notObservable.push({ stage, reason });
    else if (observer !== null) {
      this.#case.latency[stage] = countedLatency({ buckets, perRound, observer, from, to });
    }
  }

  /** Rounds under the probes from that one on are worth nothing. */
  #discard(reason: string, from = 0): void {
    this.#case.rounds.forEach((round, index) => {
      if (index >= from && round.side !== "off") round.discarded ??= reason;
    });
    this.#kept.forEach((one, index) => {
      if (index >= from && one.side !== "off") one.discarded = true;
    });
  }

  #resumed(): void {
    const reason = "the run was cut off before the probes were read";
    if (this.#unread) this.#discard(reason, this.#attachedAt);
    this.#unread = false;
    this.#before = this.#kept.length;
  }

  #session({ session }: EventOf<"session">): void {
    const counted = this.#counted().filter(
      ({ measurement }) => measurement === session.measurement,
    );
    const disturbances = new Disturbances();
    for (const { before, after } of counted) disturbances.add(before, after);
    const [metric] = headlinesOf(this.#case);
    const samples = counted.flatMap(({ measured }) =>
      metric === undefined ? [] : (measured.metrics[metric] ?? []),
    );
    const noise = disturbances.summary(lagOne(samples));
    this.#case.sessions = [...(this.#case.sessions ?? []), { ...session, noise }];
  }

  #warn(warnings: readonly string[]): void {
    const fresh = warnings.filter((warning) => !this.#case.warnings.includes(warning));
    this.#case.warnings.push(...new Set(fresh));
  }
}

/** A case before anything of it was measured. */
function emptyCase(planned: PlannedCase): Case {
  return {
    id: planned.id,
    topology: planned.topology.label,
    workload: { name: planned.workload.name },
    state: "failed",
    error: null,
    warnings: [],
    lab: { topology: planned.topology.label, bridge: null, ports: [], placement: [] },
    rounds: [],
    metrics: {},
    latency: {},
    ports: [],
  };
}

const PATHS =
  "a flooded frame has as many paths as copies: veth.in, bridge.flood and veth.out are its parts";

/** Stages that were not timed, and why. */
function untimed(planned: PlannedCase, machine: string | null, one: Case): Probe["notObservable"] {
  const reason =
    machine ??
    (planned.latencySessions === 0
      ? "the plan has no sessions for it (--latency-sessions 0, or too short a budget)"
      : null) ??
    (isTimed(planned) ? null : "a round of a search is many trials: its stages are not timed");
  const known = new Set(one.probe?.notObservable.map(({ stage }) => stage));
  if (reason === null)
    return known.has("path") || !isFlooded(planned) ? [] : [{ stage: "path", reason: PATHS }];
  return STAGES.filter((stage) => !known.has(stage)).map((stage) => ({ stage, reason }));
}

/** Where observing shows, in the order of preference; of a rate more is less slow. */
const SLOWED: readonly MetricName[] = ["ns_per_frame", "rtt_p50", "throughput", "frame_rate"];

/** The workload's own number under the counting probes against the rounds without them before and after. */
function slowdown(kept: readonly Kept[]): Probe["slowdown"] {
  const counted = kept.filter(({ side, discarded }) => side === "count" && !discarded);
  const metric = SLOWED.find((name) => counted[0]?.measured.metrics[name] !== undefined);
  if (metric === undefined) return null;
  const values = (rounds: readonly Kept[]) =>
    rounds.flatMap(({ measured }) => measured.metrics[metric] ?? []);
  const off = values(kept.filter(({ side }) => side === "off"));
  const on = values(counted);
  const lower = METRICS[metric].better === "lower";
  const ratio = ratioOfMeans(...(lower ? ([off, on] as const) : ([on, off] as const)));
  return ratio === null ? null : { metric, ...ratio };
}
