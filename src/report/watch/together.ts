/** All ports of a bridge as if they were one. */
import { addDrops, type WatchPort, type WatchRecord } from "../../document/watch.ts";

/** Counts are added up; of latency it is the slowest port's. */
export function together(record: WatchRecord): WatchPort {
  const { ports } = record;
  const sum = (of: (port: WatchPort) => number | null): number | null =>
    ports.some((port) => of(port) === null)
      ? null
      : ports.reduce((all, port) => all + (of(port) ?? 0), 0);
  const ingress = sum((port) => port.ingress);
  const copies = sum((port) => port.copies);
  const decide = (name: keyof NonNullable<WatchPort["decisions"]>) =>
    sum((port) => port.decisions?.[name] ?? null) ?? 0;
  const slowest = (stage: "bridge.forward" | "bridge.flood") =>
    ports.reduce<WatchPort["latency"][typeof stage]>((worst, { latency }) => {
      const one = latency[stage];
      return one !== undefined && one.p99 > (worst?.p99 ?? -1) ? one : worst;
    }, undefined);
  const forward = slowest("bridge.forward");
  const flood = slowest("bridge.flood");
  return {
    name: record.bridge.name,
    ifindex: record.bridge.ifindex,
    owner: null,
    state: "",
    counters: {
      rx: sum((port) => port.counters.rx) ?? 0,
      tx: sum((port) => port.counters.tx) ?? 0,
      txDropped: sum((port) => port.counters.txDropped) ?? 0,
    },
    ingress,
    egress: sum((port) => port.egress),
    decisions:
      ingress === null
        ? null
        : {
            knownUnicast: decide("knownUnicast"),
            unknownUnicast: decide("unknownUnicast"),
            broadcast: decide("broadcast"),
            multicast: decide("multicast"),
            local: decide("local"),
            filtered: decide("filtered"),
          },
    held: sum((port) => port.held),
    copies,
    later: sum((port) => port.later),
    amplification: ingress === null || copies === null || ingress === 0 ? null : copies / ingress,
    originated: sum((port) => port.originated),
    unattributed: sum((port) => port.unattributed),
    learned: sum((port) => port.learned),
    moved: sum((port) => port.moved),
    dropped: ports.some(({ dropped }) => dropped === null)
      ? null
      : addDrops(ports.flatMap(({ dropped }) => dropped ?? [])),
    latency: {
      ...(forward === undefined ? {} : { "bridge.forward": forward }),
      ...(flood === undefined ? {} : { "bridge.flood": flood }),
    },
  };
}
