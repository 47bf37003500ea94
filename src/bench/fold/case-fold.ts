import {
  type Case,
  METRICS,
  type MetricName,
  type Probe,
  type Round,
  type Stage,
} from "../../document/case.ts";
import type { EventOf, MeasuredRound, RunEvent } from "../../document/event.ts";
import type { ProbeBackend } from "../../probes/backend.ts";
import { lagOne } from "../../stats/autocorrelation.ts";
import { headlinesOf } from "../../stats/compare/paired.ts";
import { countedLatency } from "../../stats/counted-latency.ts";
import { ratioOfPairs } from "../../stats/paired/ratio.ts";
import { roundTrip } from "../../stats/round-trip.ts";
import { countedSamples } from "../../stats/samples.ts";
import { unsteadiness, unsteadyWords } from "../../stats/unsteady.ts";
import type { PlannedCase } from "../plan/plan.ts";
import { Disturbances, stolenShare } from "./disturbance.ts";
import { ForeignSeen, presentIn } from "./foreign.ts";

export interface CaseFoldOptions {
  /** The name under which the case's lab is built and its workload prepared. */
  slot: string;
  seed: number;
  /** How stages are counted in instructions; null by the wall clock, and where nothing is probed. */
  icount?: Pick<ProbeBackend, "name" | "reason"> | null;
  clock?: "wall" | "icount";
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
  #effect: MeasuredRound[][] = [];
  /** Rounds of earlier attempts, which do not count. */
  #first = 0;
  #side = "";
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
    this.#warn(options.warnings ?? []);
    const { icount } = options;
    if (icount == null) return;
    this.#case.probe = {
      backend: icount.name,
      reason: icount.reason,
      ...{ events: 0, lost: 0, missed: 0, degraded: [], emptyNs: null, programs: [] },
      ...{ overhead: null, notObservable: [], calibration: [] },
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
    const trips = this.#kept
      .filter(({ side }) => side === this.#side)
      .flatMap(({ measured }) => measured.roundTrip ?? []);
    const together = roundTrip(trips);
    if (together !== undefined) one.roundTrip = together;
    const foreign = this.#foreign.named(new Set(this.#counted().flatMap(presentIn)));
    if (foreign.length > 0) one.foreignProbes = foreign;
    one.warnings.push(...this.#unsteady());
    const { probeEffectPairs: pairs } = this.#planned;
    if (pairs > 0 && this.#effect.length === pairs && one.probe !== undefined) {
      one.probe.overhead = probeEffect(this.#effect, this.#options.seed);
    }
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

  #measured({ rounds, purpose, measurement, block }: EventOf<"measure">): void {
    if (purpose !== undefined) {
      this.#effectRounds(rounds);
      return;
    }
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

  /** One pair may come in two events, since probes are attached in between. */
  #effectRounds(rounds: readonly MeasuredRound[]): void {
    const last = this.#effect.at(-1);
    if (last !== undefined && last.length < 2) last.push(...rounds);
    else this.#effect.push([...rounds]);
  }

  #round(one: MeasuredRound, { measurement, block, change }: Grouping): void {
    const { side, startNs, durationNs, before, after, measured } = one;
    if (side === "off" && this.#side === "on") this.#forget();
    this.#side = side;
    const index = this.#case.rounds.length - this.#first + 1;
    const discarded = block === 0 ? "warm-up" : change;
    const round: Round = {
      ...{ index, side, startNs, durationNs, cpu: measured.cpu },
      steal: this.#options.clock === "icount" ? null : stolenShare(before.cpu, after.cpu),
      discarded,
      ...(measurement === undefined ? {} : { measurement }),
      ...(block === undefined ? {} : { block }),
      ...(measured.rttNs === undefined ? {} : { rttNs: measured.rttNs }),
    };
    this.#case.rounds.push(round);
    this.#kept.push({ ...one, discarded: discarded !== null, measurement });
    this.#enter(measured, index);
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

  /** Where there are rounds with probes, what a case found is of those without. */
  #forget(): void {
    const { setup_time } = this.#case.metrics;
    this.#case.metrics = setup_time === undefined ? {} : { setup_time };
    delete this.#case.trials;
    delete this.#case.learning;
  }

  #read({ counted }: EventOf<"read">): void {
    this.#unread = false;
    const { ports, bridge, latency, probe, warnings } = counted;
    Object.assign(this.#case, { ports, latency, probe });
    if (bridge !== undefined) this.#case.bridge = bridge;
    this.#warn(warnings);
  }

  #stage({ counts }: EventOf<"read-stage">): void {
    this.#unread = false;
    const { probe } = this.#case;
    const { stage, calibration, perRound, buckets, from, to, lost, degraded, reason } = counts;
    if (probe === undefined) return;
    probe.lost += lost;
    probe.degraded.push(...degraded);
    probe.calibration?.push(...calibration);
    if (reason !== null) probe.notObservable.push({ stage, reason });
    else if (calibration.length > 0) {
      this.#case.latency[stage] = countedLatency(buckets, perRound, from, to);
    }
  }

  #discard(reason: string): void {
    const { rounds, warnings } = this.#case;
    const kept = rounds.map((round) => ({ ...round, discarded: round.discarded ?? reason }));
    this.#case = { ...emptyCase(this.#planned), rounds: kept, warnings };
    this.#first = kept.length;
    this.#kept = [];
    this.#side = "";
  }

  #resumed(): void {
    const reason = "the run was cut off before the probes were read";
    if (this.#unread && this.#case.rounds.length > this.#attachedAt) {
      if (this.#options.clock !== "icount") this.#discard(reason);
      for (const round of this.#case.rounds.slice(this.#attachedAt)) round.discarded ??= reason;
    }
    this.#unread = false;
    this.#effect = this.#effect.filter(({ length }) => length === 2);
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

/** Where observing shows first, in the order of preference. */
const METRIC_ORDER: readonly MetricName[] = ["ns_per_frame", "rtt_p50", "throughput"];

/** The workload's own number with probes on and off, from pairs of rounds; null where it has none. */
function probeEffect(
  pairs: readonly (readonly MeasuredRound[])[],
  seed: number,
): Probe["overhead"] {
  const rounds = pairs.flat();
  const first = rounds.find(({ side }) => side === "on")?.measured.metrics;
  const metric = METRIC_ORDER.find((name) => first?.[name] !== undefined);
  if (metric === undefined) return null;
  const values = (side: "on" | "off") =>
    rounds
      .filter((round) => round.side === side)
      .map(({ measured }) => measured.metrics[metric] ?? Number.NaN);
  const [on, off] = [values("on"), values("off")];
  return { metric, on, off, ...ratioOfPairs(on, off, seed) };
}
