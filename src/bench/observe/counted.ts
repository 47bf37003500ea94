import type { Lab, PortAccount, Stage } from "../../document/case.ts";
import type { Counted } from "../../document/event.ts";
import type { Account } from "../../probes/account.ts";
import { nameDrops } from "../../probes/drops.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import type { PlannedCase } from "../plan/plan.ts";
import { type BookPort, balance, bridgeAccount } from "./accounting.ts";
import type { ProbeCost } from "./cost.ts";
import { latencies, portLatencies, stageEvents } from "./latency.ts";
import { notObservable, type Observation, type Observed } from "./observe.ts";

export interface Reading {
  planned: PlannedCase;
  lab: BuiltLab;
  /** As read back from the kernel. */
  ports: Lab["ports"];
  observation: Observation;
  observed: Observed;
  cost: ProbeCost | null;
  /** Marks of the rounds that count. */
  rounds: readonly number[];
  seed: number;
}

/** What the probes counted, port by port and stage by stage, beside the interface counters. */
export function countedOf(reading: Reading): Counted {
  const { planned, lab, observation, observed, cost, seed } = reading;
  const { account } = observed;
  const rounds = new Set(reading.rounds);
  const { ports, bridge } = accounts(reading);
  const byPort = portLatencies(account.samples, rounds);
  const unattributed = bridge?.unattributed ?? 0;
  return {
    ports: ports.map((port) => ({ ...port, latency: byPort.get(port.ifindex) ?? {} })),
    ...(bridge === undefined ? {} : { bridge }),
    latency: latencies(
      account.samples,
      stageCounts(account, ports, bridge, observed),
      stageEvents(observation.backend.name, planned.workload.bypassesQdisc),
      rounds,
      seed,
    ),
    probe: {
      backend: observation.backend.name,
      reason: observation.backend.reason,
      events: cost?.events ?? 0,
      lost: observed.records.lost,
      missed: observed.missed,
      degraded: observed.degraded,
      emptyNs: cost?.emptyNs ?? null,
      programs: cost?.programs ?? [],
      overhead: null,
      notObservable: notObservable(lab, reading.ports, observation.backend, observation.dropped),
    },
    warnings:
      unattributed === 0
        ? []
        : [
            `${unattributed} copies could not be matched to an ingress frame; their frames may be among the filtered`,
          ],
  };
}

function accounts({
  lab,
  ports: read,
  observation,
  observed,
}: Reading): Pick<Counted, "ports" | "bridge"> {
  if (lab.bridge === null) return { ports: [] };
  const bookPorts: BookPort[] = read.map((port) => ({
    name: port.name,
    ifindex: port.ifindex,
    unit: port.offloads.gro === true ? "segments" : "frames",
    notComparable: port.xdp ? "XDP takes frames before the bridge sees them" : null,
    host: false,
  }));
  bookPorts.push({ ...lab.bridge, unit: "frames", notComparable: null, host: true });
  const ports = balance(observed.account, bookPorts, observation.before, observed.after);
  const drops = nameDrops(lab.site, observed.account.drops);
  return { ports, bridge: bridgeAccount(observed.account, ports, drops) };
}

/** How often each stage was passed, from counts that are complete whatever was sampled. */
function stageCounts(
  account: Account,
  all: readonly PortAccount[],
  bridge: Counted["bridge"],
  observed: Observed,
): Partial<Record<Stage, number>> {
  if (bridge === undefined) {
    const frames = observed.records.maps.get("@frames")?.get("") ?? 0;
    return { veth: frames, path: frames };
  }
  const ports = all.filter((port) => port.name !== "host");
  const host = all.find((port) => port.name === "host");
  const sum = (pick: (port: PortAccount) => number) =>
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
