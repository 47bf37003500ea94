import type { Check } from "../../document/run.ts";
import type { BuiltLab } from "../lab.ts";
import { NF_CALL_SYSCTLS } from "../plan.ts";
import {
  type BridgeView,
  readFdb,
  readOptions,
  readPortStates,
  readSysctl,
  type Station,
  viewBridge,
} from "./bridge-view.ts";
import { expectedEgress, isOneBurst, judgeEgress, NAMED_HOSTS, undisturbed } from "./egress.ts";
import {
  BURST,
  type Burst,
  type Counts,
  countBursts,
  speak,
  stationAddress,
  typed,
} from "./frames.ts";
import { findLink, readUntil } from "./read.ts";
import { type ClimbOptions, climb, type Observation, type Step } from "./step.ts";

/**
 * The third rung: what a bridge does with frames, shown on a lab whose hosts have not spoken yet.
 * Leaves learned addresses behind, and every option as it was.
 */
export async function checkBridge(lab: BuiltLab, options: ClimbOptions = {}): Promise<Check[]> {
  const view = viewBridge(lab);
  const steps = [
    ...bridgeQuiet(view),
    learning(view),
    forwarding(view),
    filtering(view),
    flooding(view),
    bridgeAgeing(view),
  ];
  return climb(steps, options);
}

function learning(view: BridgeView): Step {
  // A host that configures IPv6 has spoken already: there a made-up address speaks in its place.
  const speakers = view.hosts.slice(0, NAMED_HOSTS).map((host, index) => ({
    host,
    address: view.lab.spec.ipv6 ? stationAddress(view, 10 + index) : host.mac,
  }));
  const right = speakers.map(({ host, address }) => `${address} on ${host.port.name}`).join(", ");
  return {
    id: "bridge/learning",
    title: "The FDB knows no host before it speaks, and its port after its first frame",
    command: `bridge -n ${view.inside} fdb show br ${view.bridge.name}`,
    expected: `before: no entry; after: ${right}`,
    observe: async () => {
      const fdb = await readFdb(view);
      const early = speakers
        .filter(({ address }) => fdb.has(address))
        .map(({ address }) => `${address} on ${fdb.get(address)}`);
      const learned: string[] = [];
      for (const { host, address } of speakers) {
        learned.push(`${address} on ${(await speak(view, host, address)) ?? "no port"}`);
      }
      const before = early.length === 0 ? "no entry" : early.join(", ");
      const after = learned.join(", ");
      return {
        passed: early.length === 0 && after === right,
        observed: `before: ${before}; after: ${after}`,
      };
    },
  };
}

function forwarding(view: BridgeView): Step {
  const { from, source } = thirdParty(view, 0);
  const target = hostAt(view, 1);
  const destination = stationAddress(view, 2);
  const burst: Burst = { from, source, destination };
  const carries = (port: string) => port === target.port.name;
  const expected = expectedEgress(view.ports, carries);
  return {
    id: "bridge/forwarding",
    title: `A frame to a known address leaves by one port only${whoSends(view)}`,
    command: typed(view, [firstWords(view, target, destination), burst]),
    expected,
    observe: async () => {
      await speak(view, target, destination);
      return undisturbed(expected, async () => {
        const arrived = (counts: Counts) => isOneBurst(counts.get(target.port.name)?.tx ?? 0);
        return judgeEgress(view.ports, await countBursts(view, [burst], arrived), carries);
      });
    },
  };
}

/** The second burst, for the bridge itself, shows that the port does take frames in meanwhile. */
function filtering(view: BridgeView): Step {
  const from = hostAt(view, 0);
  const source = stationAddress(view, 3);
  const destination = stationAddress(view, 4);
  const same: Burst = { from, source, destination };
  const control: Burst = { from, source, destination: view.bridge.mac };
  const { name } = view.bridge;
  const both = (ports: string, heard: number) => `${ports}; ${heard} others for ${name} came in`;
  const expected = both(
    expectedEgress(view.ports, () => false),
    BURST,
  );
  return {
    id: "bridge/filtering",
    title: "A frame whose destination lies behind the port it came from is not forwarded",
    command: typed(view, [firstWords(view, from, destination), same, control]),
    expected,
    observe: async () => {
      await speak(view, from, destination);
      return undisturbed(expected, async () => {
        const heard = (counts: Counts) => counts.get(name)?.rx ?? 0;
        const arrived = (counts: Counts) => isOneBurst(heard(counts));
        const counts = await countBursts(view, [same, control], arrived);
        const egress = judgeEgress(view.ports, counts, () => false);
        return {
          passed: egress.passed && arrived(counts),
          observed: both(egress.observed, heard(counts)),
        };
      });
    },
  };
}

function flooding(view: BridgeView): Step {
  const { from, own, source } = thirdParty(view, 1);
  const burst: Burst = { from, source, destination: stationAddress(view, 5) };
  const carries = (port: string) => port !== own?.port.name;
  const expected = expectedEgress(view.ports, carries);
  return {
    id: "bridge/flooding",
    title: `A frame to an unknown address leaves by every other port${whoSends(view)}`,
    command: typed(view, [burst]),
    expected,
    observe: () =>
      undisturbed(expected, async () => {
        const arrived = (counts: Counts) => judgeEgress(view.ports, counts, carries).passed;
        return judgeEgress(view.ports, await countBursts(view, [burst], arrived), carries);
      }),
  };
}

function hostAt(view: BridgeView, index: number): Station {
  const host = view.hosts[index];
  if (host === undefined) throw new Error(`lab ${view.lab.spec.label} has no host ${index + 1}`);
  return host;
}

/** On a bridge of two the third party is the bridge device itself: else one port is all others. */
function thirdParty(
  view: BridgeView,
  index: number,
): { from: Burst["from"]; own: Station | null; source: string } {
  if (view.hosts.length > 2) {
    const host = hostAt(view, index);
    return { from: host, own: host, source: stationAddress(view, index) };
  }
  const { name, ifindex, namespace, mac } = view.bridge;
  return { from: { place: view.inside, device: name, ifindex, namespace }, own: null, source: mac };
}

function whoSends(view: BridgeView): string {
  return view.hosts.length > 2
    ? ""
    : ` (sent by ${view.bridge.name} itself: a bridge of two has no third port)`;
}

function firstWords(view: BridgeView, from: Station, source: string): Burst {
  return { from, source, destination: view.bridge.mac, count: 1 };
}

/** iproute2 counts in hundredths of a second. */
const SHORT_AGEING_TIME = 100;
const AGEING_LIMIT_MS = 4_000;

/** Ageing, with an ageing time of one second; the bridge's own is put back. */
function bridgeAgeing(view: BridgeView): Step {
  const address = stationAddress(view, 6);
  const { name } = view.bridge;
  const [host] = view.hosts;
  let original: number | null = null;
  let learned: string | undefined;
  let limitMs = AGEING_LIMIT_MS;
  const expected = (limit: number) =>
    `${address} learned, and gone within ${limit / 1000} s with an ageing time of 1 s`;
  const setAgeingTime = (value: number) =>
    view.lab.site.runOk(
      "ip",
      ["link", "set", "dev", name, "type", "bridge", "ageing_time", String(value)],
      { namespace: view.inside },
    );
  return {
    id: "bridge/ageing",
    title: "Ageing removes the entry of a host that falls silent",
    command: `ip -n ${view.inside} link set ${name} type bridge ageing_time ${SHORT_AGEING_TIME}; sleep 2; bridge -n ${view.inside} fdb show br ${name}`,
    expected: expected(AGEING_LIMIT_MS),
    prepare: async () => {
      const options = await readOptions(view);
      original = options.ageing_time;
      // While STP sees a topology change, the forward delay takes the ageing time's place (hold_time).
      if (options.stp_state !== 0) limitMs = AGEING_LIMIT_MS + options.forward_delay * 10;
      await setAgeingTime(SHORT_AGEING_TIME);
      if (host !== undefined) learned = await speak(view, host, address);
    },
    observe: async () => {
      const spoke = performance.now();
      const left = await readUntil(
        async () => (await readFdb(view)).get(address),
        (port) => port === undefined,
        limitMs,
        50,
      );
      const waited = `${((performance.now() - spoke) / 1000).toFixed(1)} s`;
      const fate = left === undefined ? `gone after ${waited}` : `still there after ${waited}`;
      return {
        expected: expected(limitMs),
        passed: learned !== undefined && left === undefined,
        observed:
          learned === undefined
            ? `${address} was never learned`
            : `${address} learned on ${learned}, ${fate}`,
      };
    },
    tidy: async () => {
      if (original !== null) await setAgeingTime(original);
    },
  };
}

const READY_LIMIT_MS = 2_000;

/** What must hold before frames mean anything: the bridge is ready, and nothing else meddles. */
function bridgeQuiet(view: BridgeView): Step[] {
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
