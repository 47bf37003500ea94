/** The only code of an experiment that touches labs, workloads and probes: it does what a schedule says. */
import { setImmediate } from "node:timers/promises";
import type { MeasuredRound, Reading } from "../../document/event.ts";
import type { ForeignProbe } from "../../document/foreign.ts";
import type { ProbeBackend } from "../../probes/backend.ts";
import { type ProbeSession, startProbes } from "../../probes/bpftrace.ts";
import { type CountedSession, countedSamples, startCounted } from "../../probes/counted.ts";
import type { ForeignProbes } from "../../probes/foreign.ts";
import { timeProgram, timeSamples } from "../../probes/time.ts";
import { runLadder } from "../../setup/checks/index.ts";
import { buildStandingLab, type StandingLab } from "../../setup/standing-lab.ts";
import { openPrivateSite, type Site } from "../../system/site.ts";
import { measureCost, type ProbeCost } from "../observe/cost.ts";
import { countedOf } from "../observe/counted.ts";
import { type Observation, observe } from "../observe/observe.ts";
import { instructionsPerFrame, stageCountsOf } from "../observe/stage-counts.ts";
import type { PlannedCase } from "../plan/plan.ts";
import { isFlooded, timedStage } from "../plan/time-probes.ts";
import type { Driver, RoundResult } from "../workloads/workload.ts";
import { readMachine } from "./machine.ts";
import type { EventBody } from "./perform.ts";
import type { Action } from "./schedule.ts";

export interface RunnerOptions {
  signal: AbortSignal;
  /** CPUs that the workloads' threads are pinned to. */
  cpus: readonly number[];
  /** How the kernel is observed; null for schedules without probes. */
  backend: ProbeBackend | null;
  /** Who looks for other people's probes; null where nobody can or needs to. */
  foreign: ForeignProbes | null;
  /** Told a word on an action that takes long. */
  progress?(what: string): void;
}

interface Watched extends StandingLab {
  observed: { observation: Observation; cost: ProbeCost | null } | null;
  /** A program that times. */
  timing: ProbeSession | null;
}

interface Prepared {
  lab: string;
  planned: PlannedCase;
  driver: Driver;
}

type Of<Act extends Action["act"]> = Extract<Action, { act: Act }>;

/** Labs with more steps than this say how far they have come. */
const MANY_STEPS = 1000;

export class LabRunner {
  readonly #options: RunnerOptions;
  readonly #labs = new Map<string, Watched>();
  readonly #drivers = new Map<string, Prepared>();
  #stage: { counted: CountedSession; site: Site } | null = null;
  #warnings: string[] = [];
  /** Keys of other people's probes that this case's events have described. */
  #described = new Set<string>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Does it, or throws why not. */
  async act(action: Action): Promise<EventBody> {
    switch (action.act) {
      case "begin":
        this.#described.clear();
        return { act: "begin", id: action.id, ...this.#describe(this.#look(true)) };
      case "end":
        return { act: "end", ...this.#describe(this.#look(true)) };
      case "check":
        return { act: "check", checks: await runLadder() };
      case "build":
        return this.#build(action);
      case "attach":
        return this.#attach(action);
      case "prepare":
        return this.#prepare(action);
      case "warm-up":
        await this.#driver(action.driver).driver.round(action.durationNs);
        return { act: "warm-up" };
      case "measure":
        return this.#measure(action);
      case "cost":
        return this.#cost(action);
      case "read":
        return this.#read(action);
      case "attach-time":
        return this.#attachTime(action);
      case "read-time":
        return this.#readTime(action);
      case "detach":
        await this.#detach(this.#lab(action.lab));
        return { act: "detach" };
      case "attach-stage":
        return this.#attachStage(action);
      case "read-stage":
        return this.#readStage(action);
      case "close":
        return this.#close(action);
      case "boot":
        throw new RangeError("a guest is booted by src/kernels");
      default: {
        const { say: _, ...mark } = action;
        return mark;
      }
    }
  }

  /** Takes down all that stands; a second time there is nothing to do. */
  async close(): Promise<void> {
    const stage = this.#stage;
    this.#stage = null;
    try {
      await stage?.counted.session.kill();
      stage?.counted.close();
      await stage?.site.close();
    } finally {
      await this.#takeDown([...this.#labs.keys()]);
    }
  }

  /** One that cannot be taken down does not keep the others from it. */
  async #takeDown(names: readonly string[]): Promise<void> {
    const [name, ...others] = names;
    if (name === undefined) return;
    const lab = this.#labs.get(name);
    this.#labs.delete(name);
    try {
      for (const [key, prepared] of [...this.#drivers]) {
        if (prepared.lab !== name) continue;
        this.#drivers.delete(key);
        await prepared.driver.close();
      }
      if (lab !== undefined) {
        await this.#detach(lab);
        await lab.lab.close();
      }
    } finally {
      await this.#takeDown(others);
    }
  }

  async #close({ lab }: Of<"close">): Promise<EventBody> {
    if (lab === undefined) await this.close();
    else await this.#takeDown([lab]);
    const warnings = this.#warnings.splice(0);
    return { act: "close", ...(lab === undefined ? {} : { lab }), warnings };
  }

  async #build({ lab: name, topology }: Of<"build">): Promise<EventBody> {
    const { signal, progress } = this.#options;
    const standing = await buildStandingLab(topology, {
      signal,
      warn: (sentence) => this.#warnings.push(sentence),
      progress: (done, total) => {
        if (total > MANY_STEPS) progress?.(`building the lab, step ${done} of ${total}`);
      },
    });
    this.#labs.set(name, { ...standing, observed: null, timing: null });
    return {
      act: "build",
      lab: name,
      read: standing.read,
      setupNs: topology.kind === "attach" ? null : standing.lab.setupNs,
      warnings: this.#warnings.splice(0),
    };
  }

  async #attach({ lab: name, planned }: Of<"attach">): Promise<EventBody> {
    const lab = this.#lab(name);
    const observation = await observe(lab.lab, this.#backend(), planned, this.#options.signal);
    lab.observed = { observation, cost: null };
    return { act: "attach" };
  }

  async #detach(lab: Watched): Promise<void> {
    const { observed, timing } = lab;
    lab.observed = null;
    lab.timing = null;
    try {
      await timing?.kill();
    } finally {
      await observed?.observation.session.kill();
    }
  }

  async #prepare({ lab, driver: name, planned }: Of<"prepare">): Promise<EventBody> {
    const { signal, cpus } = this.#options;
    const { options, workload } = planned;
    const driver = await workload.prepare({ lab: this.#lab(lab).lab, options, cpus, signal });
    this.#drivers.set(name, { lab, planned, driver });
    return {
      act: "prepare",
      driver: name,
      workload: driver.describe(),
      placement: driver.placement(),
    };
  }

  async #measure(action: Of<"measure">): Promise<EventBody> {
    const { drivers, durationNs, mark, keep, act, probe, measurement, block } = action;
    // Those who read the progress have their turn now, so that their time is not in the rounds'.
    await setImmediate();
    const rounds: MeasuredRound[] = [];
    for (const { driver: name, side } of drivers) {
      this.#options.signal.throwIfAborted();
      const prepared = this.#driver(name);
      // Before the reading that comes first and after the one that comes last: what looking takes is in neither's time.
      const there = this.#look();
      const before = { ...readMachine(), ...there };
      this.#mark(prepared, mark);
      const startNs = Number(process.hrtime.bigint());
      const result = await prepared.driver.round(durationNs);
      const durationMeasuredNs = Number(process.hrtime.bigint()) - startNs;
      this.#mark(prepared, mark === undefined ? undefined : 0);
      const after = readMachine();
      rounds.push({
        driver: name,
        side,
        ...(probe === undefined ? {} : { stage: timedStage(probe, prepared.planned) }),
        startNs,
        durationNs: durationMeasuredNs,
        before,
        after: { ...after, ...this.#look() },
        measured: measuredOf(result, prepared.planned, keep),
      });
    }
    return {
      act,
      rounds,
      ...this.#describe(...rounds.flatMap(({ before, after }) => [before, after])),
      ...(measurement === undefined ? {} : { measurement }),
      ...(block === undefined ? {} : { block }),
    };
  }

  /** Other people's probes that are there now; `thorough` where there is time. */
  #look(thorough = false): Pick<Reading, "foreign"> {
    const { foreign } = this.#options;
    if (foreign === null) return {};
    const namespaces = [...this.#labs.values()].flatMap(({ lab }) => [
      ...lab.hosts.map(({ namespace }) => namespace),
      ...(lab.bridge === null ? [] : [lab.bridge.namespace]),
    ]);
    return { foreign: [...foreign.look(namespaces, thorough)] };
  }

  /** Those of the probes in the readings that this case has not described yet. */
  #describe(...readings: Pick<Reading, "foreign">[]): { foreign?: ForeignProbe[] } {
    const { foreign } = this.#options;
    if (foreign === null) return {};
    const keys = new Set(readings.flatMap((one) => one.foreign ?? []));
    const fresh = [...keys].filter((key) => !this.#described.has(key));
    for (const key of fresh) this.#described.add(key);
    return { foreign: fresh.map((key) => foreign.describe(key)) };
  }

  /** Tells the probes on this driver's frames which round it is. */
  #mark({ lab }: Prepared, round: number | undefined): void {
    if (round === undefined) return;
    this.#labs.get(lab)?.timing?.round(round);
    this.#stage?.counted.session.round(round);
  }

  async #cost({ driver, durationNs }: Of<"cost">): Promise<EventBody> {
    const prepared = this.#driver(driver);
    const lab = this.#lab(prepared.lab);
    if (lab.observed === null) throw new RangeError("the cost of probes that are not attached");
    const { session, backend } = lab.observed.observation;
    const round = () => prepared.driver.round(durationNs);
    const { signal } = this.#options;
    lab.observed.cost = await measureCost(lab.lab, session, backend, round, signal);
    return { act: "cost" };
  }

  async #attachTime({ lab: name, probe, planned }: Of<"attach-time">): Promise<EventBody> {
    const standing = this.#lab(name);
    const program = timeProgram(standing.lab, this.#backend(), probe, {
      ...planned.workload,
      flooded: isFlooded(planned),
      heard: planned.workload.heardByHost === true,
    });
    standing.timing = await startProbes(standing.lab.site, program, this.#options.signal);
    return { act: "attach-time", probe };
  }

  async #readTime({ lab: name, probe, planned }: Of<"read-time">): Promise<EventBody> {
    const standing = this.#lab(name);
    const { timing } = standing;
    if (timing === null) throw new RangeError("probes that are not attached are read");
    const { samples, full } = await timing.stop((maps) => ({
      samples: timeSamples(maps, isFlooded(planned)),
      full: maps.full(["lat"]),
    }));
    standing.timing = null;
    const { lost, errors } = timing.records;
    const faults = [
      ...(lost > 0 ? [`${lost} events of the probes were lost`] : []),
      ...errors,
      ...full,
    ];
    return { act: "read-time", timed: { probe, samples, faults } };
  }

  async #read({ lab: name }: Of<"read">): Promise<EventBody> {
    const standing = this.#lab(name);
    if (standing.observed === null) throw new RangeError("probes that are not attached are read");
    const { lab, read } = standing;
    const { observation } = standing.observed;
    const observed = await observation.stop();
    const reading = { ...standing.observed, lab, ports: read.ports, observed };
    await this.#detach(standing);
    return { act: "read", counted: countedOf(reading) };
  }

  async #attachStage({ stage, inChain }: Of<"attach-stage">): Promise<EventBody> {
    const site = await openPrivateSite();
    try {
      const { signal } = this.#options;
      const counted = await startCounted(site, stage, this.#backend(), { inChain, signal });
      this.#stage = { counted, site };
      counted.calibrate();
    } catch (error) {
      if (this.#stage === null) await site.close();
      throw error;
    }
    return { act: "attach-stage", stage };
  }

  async #readStage({ stage, rounds }: Of<"read-stage">): Promise<EventBody> {
    if (this.#stage === null) throw new RangeError("a stage without probes is read");
    const { session, ...ends } = this.#stage.counted;
    const { samples, full } = await session.stop((maps) => ({
      samples: countedSamples(maps),
      full: maps.full(["lat"]),
    }));
    const { lost, errors } = session.records;
    const faults = { lost, degraded: [...errors, ...full] };
    const counts = stageCountsOf(stage, ends, samples, rounds, faults);
    return { act: "read-stage", counts };
  }

  #lab(name: string): Watched {
    const lab = this.#labs.get(name);
    if (lab === undefined) throw new RangeError(`no lab ${name} stands`);
    return lab;
  }

  #driver(name: string): Prepared {
    const prepared = this.#drivers.get(name);
    if (prepared === undefined) throw new RangeError(`no workload ${name} is prepared`);
    return prepared;
  }

  #backend(): ProbeBackend {
    if (this.#options.backend === null) throw new RangeError("probes without a backend");
    return this.#options.backend;
  }
}

/** What of a round is kept. */
function measuredOf(
  {
    metrics,
    cpu,
    ksoftirqdNs,
    rttNs,
    roundTrip,
    warnings,
    trials,
    learning,
    trainNsPerFrame = [],
  }: RoundResult,
  { workload }: PlannedCase,
  keep: Of<"measure">["keep"],
): MeasuredRound["measured"] {
  const told = warnings === undefined ? {} : { warnings };
  if (keep === "metrics") {
    return { metrics, cpu, ...(ksoftirqdNs === undefined ? {} : { ksoftirqdNs }), ...told };
  }
  if (keep !== undefined) {
    const instructions = keep === "instructions" ? instructionsPerFrame(trainNsPerFrame) : null;
    return {
      metrics: instructions === null ? {} : { instructions_per_frame: instructions },
      cpu,
    };
  }
  return {
    metrics,
    cpu,
    ...(rttNs === undefined || !workload.keepsEachRtt ? {} : { rttNs }),
    ...(roundTrip === undefined ? {} : { roundTrip }),
    ...told,
    ...(trials === undefined ? {} : { trials }),
    ...(learning === undefined ? {} : { learning }),
  };
}
