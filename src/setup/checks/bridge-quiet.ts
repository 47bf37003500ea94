import { NF_CALL_SYSCTLS } from "../plan.ts";
import { type BridgeView, readOptions, readPortStates, readSysctl } from "./bridge-view.ts";
import { NAMED_HOSTS } from "./egress.ts";
import { findLink, readUntil } from "./read.ts";
import type { Observation, Step } from "./step.ts";

const READY_LIMIT_MS = 2_000;

/** What must hold before frames mean anything: the bridge is ready, and nothing else meddles. */
export function bridgeQuiet(view: BridgeView): Step[] {
  const { name } = view.bridge;
  const { nfCall } = view.lab.spec.bridge ?? { nfCall: false };
  const { ipv6 } = view.lab.spec;
  const [first] = view.hosts;
  return [
    {
      id: "bridge/ports-forwarding",
      title: "Every port is forwarding and the bridge has carrier",
      command: `bridge -n ${view.inside} link; ip -n ${view.inside} link show ${name}`,
      expected: `${view.hosts.length} of ${view.hosts.length} ports forwarding, ${name} UP`,
      observe: () => ready(view),
    },
    {
      id: "bridge/netfilter-hooks",
      title: nfCall
        ? "The bridge's netfilter hooks are on, as asked for"
        : "The bridge's netfilter hooks are off",
      command: `ip netns exec ${view.inside} sysctl -a -r bridge-nf-call; ip -n ${view.inside} -d link show ${name}`,
      expected: nfCall ? "on for iptables, ip6tables, arptables" : "off for all",
      observe: () => netfilterHooks(view, nfCall),
    },
    {
      id: "bridge/ipv6-autoconfiguration",
      title: ipv6
        ? "IPv6 configures itself on the lab's devices, as asked for"
        : "IPv6 is silent: no duplicate address detection, no autoconfiguration",
      command: `ip netns exec ${first?.place ?? ""} sysctl net.ipv6.conf.${first?.device ?? ""}.disable_ipv6`,
      expected: ipv6 ? "IPv6 on everywhere" : "IPv6 on nowhere",
      observe: async () => ipv6State(view, ipv6),
    },
  ];
}

async function ready(view: BridgeView): Promise<Observation> {
  const { stp_state, forward_delay } = await readOptions(view);
  // With STP a port listens and learns for a forward delay each before it forwards.
  const limitMs = READY_LIMIT_MS + (stp_state === 0 ? 0 : 2 * forward_delay * 10);
  const read = async () => {
    const states = await readPortStates(view);
    const others = view.hosts
      .map((host) => `${host.port.name} ${states.get(host.port.name) ?? "no port"}`)
      .filter((words) => !words.endsWith(" forwarding"));
    const { operstate } = await findLink(view.lab.site, view.inside, view.bridge.name);
    return { others, operstate };
  };
  const { others, operstate } = await readUntil(
    read,
    (reading) => reading.others.length === 0 && reading.operstate === "UP",
    limitMs,
    50,
  );
  const ports = view.hosts.length;
  const exceptions = others.length === 0 ? "" : ` (${others.slice(0, NAMED_HOSTS).join(", ")})`;
  return {
    passed: others.length === 0 && operstate === "UP",
    observed: `${ports - others.length} of ${ports} ports forwarding${exceptions}, ${view.bridge.name} ${operstate}`,
  };
}

/** A hook runs when the namespace's switch is on or the bridge's own is (br_nf_pre_routing). */
async function netfilterHooks(view: BridgeView, wanted: boolean): Promise<Observation> {
  const options = await readOptions(view);
  const own = [options.nf_call_iptables, options.nf_call_ip6tables, options.nf_call_arptables];
  const switches = NF_CALL_SYSCTLS.map((key, index) => ({
    table: key.slice(key.lastIndexOf("-") + 1),
    sysctl: readSysctl(view.bridge.namespace, key.replaceAll(".", "/")),
    own: own[index] === 1,
  }));
  const isOn = (one: (typeof switches)[number]) => one.own || one.sysctl === "1";
  const absent = switches.every((one) => one.sysctl === null);
  const words = switches.map(
    (one) =>
      `${one.table} ${isOn(one) ? "on" : "off"}${one.own ? ` (by an option of ${view.bridge.name})` : ""}`,
  );
  return {
    passed: switches.every((one) => isOn(one) === wanted),
    observed: `${words.join(", ")}${absent ? "; br_netfilter is not loaded" : ""}`,
  };
}

function ipv6State(view: BridgeView, wanted: boolean): Observation {
  const hosts = view.hosts.slice(0, NAMED_HOSTS);
  const inside = [view.bridge.name, ...hosts.map((host) => host.port.name)];
  const devices = [
    ...inside.map((device) => ({ namespace: view.bridge.namespace, where: device, device })),
    ...hosts.map(({ namespace, name, device }) => ({
      namespace,
      where: `${device} of ${name}`,
      device,
    })),
  ];
  const on = devices
    .filter(({ namespace, device }) => {
      const disabled = readSysctl(namespace, `net/ipv6/conf/${device}/disable_ipv6`);
      return disabled === "0";
    })
    .map(({ where }) => where);
  const all = devices.map(({ where }) => where).join(", ");
  return {
    passed: on.length === (wanted ? devices.length : 0),
    observed: `of ${all}: IPv6 ${on.length === 0 ? "on nowhere" : `on for ${on.join(", ")}`}`,
  };
}
