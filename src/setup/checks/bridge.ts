import type { Check } from "../../document/run.ts";
import type { BuiltLab } from "../lab.ts";
import { bridgeAgeing } from "./bridge-ageing.ts";
import { bridgeQuiet } from "./bridge-quiet.ts";
import { type BridgeView, readFdb, type Station, viewBridge } from "./bridge-view.ts";
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
import { type ClimbOptions, climb, type Step } from "./step.ts";

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
