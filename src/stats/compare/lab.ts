/** What a case was made of, as facts that two runs can be compared by. */
import type { Case } from "../../document/run.ts";
import type { Fact } from "./environment.ts";

// Of a bridge's and a port's attributes: what differs from lab to lab (addresses, ids) or moves by itself (timers).
const VOLATILE = /timer$|_id$|_addr$|^root_|^designated|^topology_change|^fdb_n_learned$/;

export function caseFacts(item: Case): Fact[] {
  return [...workload(item), ...bridge(item), ...ports(item), ...probes(item)];
}

function workload(item: Case): Fact[] {
  return Object.entries(item.workload).map(([name, value]) => ({
    group: "workload",
    name,
    value: typeof value === "string" ? value : JSON.stringify(value),
  }));
}

function bridge({ lab }: Case): Fact[] {
  if (lab.bridge === null) return [];
  const { options, nfCall } = lab.bridge;
  return [
    ...Object.entries(lasting(options)).map(
      ([name, value]): Fact => ({ group: "lab", name, value: String(value) }),
    ),
    {
      group: "lab",
      name: "firewall hooks",
      value: nfCall === null ? "no br_netfilter" : JSON.stringify(nfCall),
    },
  ];
}

/** What the first port has; that ports of one lab differ among themselves is its own report's matter. */
function ports({ lab }: Case): Fact[] {
  const [port] = lab.ports;
  if (port === undefined) return [];
  const entries = {
    mtu: port.mtu,
    qdisc: port.qdisc,
    xdp: port.xdp,
    rps: port.rps,
    ...prefixed("flag", lasting(port.flags)),
    ...prefixed("offload", port.offloads),
  };
  return Object.entries(entries).map(([name, value]) => ({
    group: "lab",
    name: `first port: ${name}`,
    value: String(value),
  }));
}

function lasting<T>(attributes: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !VOLATILE.test(name)));
}

function prefixed<T>(word: string, entries: Record<string, T>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [`${word} ${name}`, value]),
  );
}

function probes({ probe }: Case): Fact[] {
  const calibration = (probe?.calibration ?? []).map(
    ({ pair, value }): Fact => ({
      group: "probes",
      name: `instructions of ${pair}`,
      value: String(value),
    }),
  );
  return [{ group: "probes", name: "backend", value: probe?.backend ?? "off" }, ...calibration];
}
