import { type Case, METRICS, type Round, type Stage } from "../document/run.ts";
import type { Account } from "../probes/account.ts";
import { nameDrops } from "../probes/drops.ts";
import type { BuiltLab } from "../setup/lab.ts";
import { readLab } from "../setup/read-lab.ts";
import { waitUntilReady } from "../setup/ready.ts";
import { standUp } from "../setup/stand.ts";
import { differences } from "../setup/verify.ts";
import { BridgescopeError, ToolError } from "../system/errors.ts";
import { type BookPort, balance, bridgeAccount } from "./books.ts";
import { emptyCase, sentence } from "./case-document.ts";
import { measureCost, type ProbeCost } from "./cost.ts";
import type { InHand } from "./journal/read.ts";
import { latencies, portLatencies, stageEvents } from "./latency.ts";
import { notObservable, type Observation, type Observed, observe } from "./observe.ts";
import { probeEffect } from "./overhead.ts";
import type { CaseContext, PlannedCase } from "./plan.ts";
import { measureRounds } from "./rounds.ts";
import type { Driver } from "./workloads/workload.ts";

/** Runs one case to its end, or as far as it came: what was measured is never thrown away. */
export async function runCase(planned: PlannedCase, context: CaseContext): Promise<Case> {
  const result = begun(planned, context.inHand);
  let lab: BuiltLab | null = null;
  try {
    context.progress("building the lab");
    lab = await standUp(planned.topology, {
      signal: context.signal,
      warn: (sentence) => result.warnings.push(sentence),
      progress: (done, total) => {
        if (total > 1000) context.progress(`building the lab, step ${done} of ${total}`);
      },
    });
    await waitUntilReady(lab, context.signal);
    result.lab = { ...(await readLab(lab)), placement: [] };
    const wrong = differences(planned.topology, result.lab);
    if (wrong.length > 0)
      throw new BridgescopeError(`the kernel built another lab: ${wrong.join("; ")}`);
    if (planned.topology.kind !== "attach") {
      const before = result.metrics.setup_time?.samples ?? [];
      result.metrics.setup_time = { ...METRICS.setup_time, samples: [...before, lab.setupNs] };
    }
    await measure(planned, lab, result, context);
    result.state = "complete";
  } catch (error) {
    result.state = context.signal.aborted ? "interrupted" : "failed";
    if (error instanceof ToolError) context.broken.add(error.tool);
    if (!context.signal.aborted) result.error = sentence(error);
  } finally {
    await lab?.close();
  }
  return result;
}

/** The case as an earlier process left it, or an empty one. */
function begun(planned: PlannedCase, inHand: InHand | null): Case {
  const result = inHand?.observed ?? emptyCase(planned);
  if (inHand === null) return result;
  const { rounds, unread, observed } = inHand;
  result.rounds.push(...unread);
  const count = rounds.length + (observed?.rounds.filter(isCounted).length ?? 0);
  if (count > 0) {
    result.warnings.push(
      `the run was cut off and resumed: ${count} of the rounds are of another lab of the same kind`,
    );
  }
  return result;
}

const isCounted = ({ discarded }: Round) => discarded === null;

async function measure(
  planned: PlannedCase,
  lab: BuiltLab,
  result: Case,
  context: CaseContext,
): Promise<void> {
  const { signal } = context;
  let observation: Observation | null = null;
  try {
    if (context.backend !== null && result.probe === undefined) {
      context.progress("attaching the probes");
      observation = await observe(lab, context.backend, planned, signal);
    }
    const { options } = planned;
    const driver = await planned.workload.prepare({ lab, options, cpus: context.cpus, signal });
    try {
      await drive(planned, lab, driver, observation, result, context);
    } finally {
      await driver.close();
    }
  } finally {
    await observation?.session.kill();
  }
}

async function drive(
  planned: PlannedCase,
  lab: BuiltLab,
  driver: Driver,
  observation: Observation | null,
  result: Case,
  context: CaseContext,
): Promise<void> {
  const { signal } = context;
  result.workload = driver.describe();
  result.lab.placement = driver.placement();
  let cost: ProbeCost | null = null;
  try {
    context.progress("warming up");
    await driver.round(planned.warmUpNs);
    if (context.backend === null) {
      await measureRounds(planned, driver, { side: "base", observation }, result, context);
    }
    if (observation !== null) {
      await measureRounds(planned, driver, { side: "on", observation }, result, context);
      context.progress("measuring what the probes cost");
      const { session, backend } = observation;
      cost = await measureCost(
        lab,
        session,
        backend,
        () => driver.round(planned.durationNs),
        signal,
      );
    }
  } finally {
    // Interrupted or not: the rounds that were finished keep their account.
    await finish(planned, lab, observation, cost, result, context);
  }
  if (observation !== null) context.journal.observed(result);
  if (context.backend !== null) {
    // The probes cost more than what they watch: the metrics are those of rounds without them.
    await measureRounds(planned, driver, { side: "off", observation: null }, result, context);
  }
  const { backend } = context;
  if (planned.probeEffectPairs > 0 && result.probe !== undefined && backend !== null) {
    result.probe.overhead = await probeEffect(planned, lab, driver, backend, context);
  }
}

/** Stops the probes and enters all that they counted. */
async function finish(
  planned: PlannedCase,
  lab: BuiltLab,
  observation: Observation | null,
  cost: ProbeCost | null,
  result: Case,
  context: CaseContext,
): Promise<void> {
  if (observation === null) return;
  context.progress("reading the probes");
  const observed = await observation.stop();
  const measuredRounds = new Set(result.rounds.filter(isCounted).map((round) => round.index));
  const { account } = observed;
  enterBooks(lab, observation, observed, result);
  result.latency = latencies(
    account.samples,
    stageCounts(account, result, observed),
    stageEvents(observation.backend.name, planned.workload.bypassesQdisc),
    measuredRounds,
    context.seed,
  );
  const byPort = portLatencies(account.samples, measuredRounds);
  for (const port of result.ports) port.latency = byPort.get(port.ifindex) ?? {};
  result.probe = {
    backend: observation.backend.name,
    reason: observation.backend.reason,
    events: cost?.events ?? 0,
    lost: observed.records.lost,
    missed: observed.missed,
    degraded: observed.degraded,
    emptyNs: cost?.emptyNs ?? null,
    programs: cost?.programs ?? [],
    overhead: null,
    notObservable: notObservable(lab, result.lab.ports, observation.backend, observation.dropped),
  };
}

function enterBooks(
  lab: BuiltLab,
  observation: Observation,
  observed: Observed,
  result: Case,
): void {
  if (lab.bridge === null) return;
  const ports: BookPort[] = result.lab.ports.map((port) => ({
    name: port.name,
    ifindex: port.ifindex,
    unit: port.offloads.gro === true ? "segments" : "frames",
    notComparable: port.xdp ? "XDP takes frames before the bridge sees them" : null,
    host: false,
  }));
  ports.push({ ...lab.bridge, unit: "frames", notComparable: null, host: true });
  result.ports = balance(observed.account, ports, observation.before, observed.after);
  const drops = nameDrops(lab.site, observed.account.drops);
  result.bridge = bridgeAccount(observed.account, result.ports, drops);
  const { unattributed } = result.bridge;
  if (unattributed > 0) {
    result.warnings.push(
      `${unattributed} copies could not be told from which frame they came; their frames may be among the filtered`,
    );
  }
}

/** How often each stage was passed, from counts that are complete whatever was sampled. */
function stageCounts(
  account: Account,
  result: Case,
  observed: Observed,
): Partial<Record<Stage, number>> {
  const { bridge } = result;
  if (bridge === undefined) {
    const frames = observed.records.maps.get("@frames")?.get("") ?? 0;
    return { veth: frames, path: frames };
  }
  const ports = result.ports.filter((port) => port.name !== "host");
  const host = result.ports.find((port) => port.name === "host");
  const sum = (pick: (port: Case["ports"][number]) => number) =>
    ports.reduce((total, port) => total + pick(port), 0);
  const delivered = sum((port) => port.egress - port.counters.txDropped);
  const { decisions } = bridge;
  return {
    veth: sum((port) => port.ingress) + delivered,
    path: Math.max(0, delivered - bridge.originated - (host?.copies ?? 0)),
    "bridge.forward": decisions.knownUnicast,
    "bridge.flood": decisions.unknownUnicast + decisions.broadcast + decisions.multicast,
    "bridge.learn": [...account.ports.values()].reduce((total, port) => total + port.learned, 0),
  };
}
