import type { Lab } from "../../document/case.ts";
import type { Counted } from "../../document/event.ts";
import { nameDrops } from "../../probes/drops.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import { type BookPort, balance, bridgeAccount } from "./accounting.ts";
import type { ProbeCost } from "./cost.ts";
import { notObservable, type Observation, type Observed } from "./observe.ts";

export interface Reading {
  lab: BuiltLab;
  /** As read back from the kernel. */
  ports: Lab["ports"];
  observation: Observation;
  observed: Observed;
  cost: ProbeCost | null;
}

/** What the probes counted, port by port, beside the interface counters. */
export function countedOf(reading: Reading): Counted {
  const { lab, observation, observed, cost } = reading;
  const { ports, bridge } = accounts(reading);
  const unattributed = bridge?.unattributed ?? 0;
  return {
    ports,
    ...(bridge === undefined ? {} : { bridge }),
    probe: {
      backend: observation.backend.name,
      reason: observation.backend.reason,
      events: cost?.events ?? 0,
      lost: observed.lost,
      missed: observed.missed,
      degraded: observed.degraded,
      emptyNs: cost?.emptyNs ?? null,
      programs: cost?.programs ?? [],
      slowdown: null,
      notObservable: notObservable(lab, reading.ports),
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
