/** What became of a flow, in a sentence. */
import { portName } from "../../bridge/port-name.ts";
import type { BridgeState } from "../../bridge/state.ts";
import type { Journey, JourneyDirection, JourneyLost } from "../../document/journey.ts";
import { count, duration, plural } from "../../text/units.ts";
import type { End } from "./ends.ts";
import { hopPhrase, many } from "./outcome.ts";

/** Of what was heard instead, so much is told. */
const HEARD = 3;

type Told = Pick<Journey, "directions" | "heard" | "filter" | "probe">;

export function verdictOf({ directions, heard, filter, probe }: Told, seconds: number): string {
  const [there, back] = directions;
  if (there === undefined || back === undefined) return "";
  const asks = (one: JourneyDirection) => one.resolution.asked > 0;
  if (there.frames + back.frames === 0 && !asks(there) && !asks(back)) {
    const such = filter === null ? "nothing" : "nothing that the filter takes";
    const sent = probe === null ? "" : `, though ${probe.text} was sent`;
    return `${such} between ${there.from} and ${there.to} was seen in ${seconds.toFixed(1)} s${sent}: ${heardPhrase(heard)}`;
  }
  const said = [directionPhrase(there), directionPhrase(back)].filter((one) => one !== null);
  return said.join("; ");
}

function directionPhrase(direction: JourneyDirection): string | null {
  const { from, to, frames, resolution } = direction;
  const way = `${from} → ${to}`;
  if (frames > 0) return `${way}: ${flowPhrase(direction)}`;
  return resolution.asked > 0 ? `${way}: ${askedPhrase(direction)}` : null;
}

/** `20 of 20 echo requests reached eth0 (netns b), 12 µs`. */
function flowPhrase(direction: JourneyDirection): string {
  const { what, frames, arrived, hops, lost } = direction;
  const [kind] = what;
  const sent =
    what.length === 1 && kind !== undefined ? many(frames, kind.what) : plural(frames, "frame");
  const last = hops.at(-1);
  if (last === undefined) return `${sent} seen`;
  const told = lost.filter((one) => !isResolution(one));
  const dropped = told.filter(({ arrived: came }) => came);
  const took =
    last.medianNs === null || hops.length === 1
      ? ""
      : `, ${duration(last.medianNs)} from the first hop`;
  if (arrived === frames && dropped.length === 0) {
    return `${count(arrived)} of ${sent} reached ${hopPhrase(last)}${took}`;
  }
  if (told.length === 0) {
    return `${count(arrived)} of ${sent} were seen at ${hopPhrase(last)}; of the others nothing can be said (they were rewritten or cut anew on the way, or there was no room for them)`;
  }
  const reached = `${count(arrived)} of ${sent} reached ${hopPhrase(last)}`;
  return `${reached}; ${told.slice(0, 2).map(lostPhrase).join(", ")}`;
}

function isResolution({ what }: JourneyLost): boolean {
  return /^(ARP|neighbour)/.test(what);
}

/** `20 were seen last at v-b's egress, and br_dev_queue_push_xmit dropped them (PKT_TOO_BIG)`. */
export function lostPhrase({ frames, last, drop, arrived }: JourneyLost): string {
  const were = frames === 1 ? "1 was" : `${count(frames)} were`;
  if (drop === null)
    return `${were} seen last at ${last}, and vanished without a drop that was seen`;
  const reason = drop.reason === null ? "" : ` (${drop.reason})`;
  const at = drop.device === null ? "" : ` at ${drop.device}`;
  return arrived
    ? `${were} dropped by the receiver's own stack: ${drop.where}${reason}`
    : `${were} seen last at ${last}, and dropped by ${drop.where}${at}${reason}`;
}

function askedPhrase({ to, hops, resolution, lost }: JourneyDirection): string {
  const { asked, reached, answered } = resolution;
  const times = asked === 1 ? "once" : `${count(asked)} times`;
  const last = hops.at(-1);
  const question = `it was asked ${times} who has ${to}`;
  if (answered > 0) return `${question}, and answered; nothing else was sent`;
  const told = lost.filter(isResolution);
  if (told.length > 0)
    return `${question}, and no answer came: ${told.slice(0, 2).map(lostPhrase).join(", ")}`;
  const came =
    last?.role === "destination" && reached > 0
      ? `; the question reached ${hopPhrase(last)}, which gave none`
      : "";
  return `${question}, and nobody answered${came}`;
}

function heardPhrase(heard: Journey["heard"]): string {
  if (heard.length === 0)
    return "nothing else was heard at their ports either; --probe would send something";
  const said = heard
    .slice(0, HEARD)
    .map(({ what, port, frames }) => `${what} at ${port} (${count(frames)})`);
  const more = heard.length - HEARD;
  return `heard there instead: ${said.join(", ")}${more > 0 ? ` and ${plural(more, "more flow")}` : ""}`;
}

/** What the bridge does with a frame for that end, by the FDB as it is. */
export function decisionOf(
  state: BridgeState,
  { port, macs }: End,
  seen: readonly string[],
): string {
  const [address = macs[0]] = seen;
  if (address === undefined)
    return "where it would go nobody knows: no address of its link is known";
  if (address === state.address) return `${address} is the bridge's own address: for the host`;
  const entries = state.entries.filter((entry) => entry.address === address);
  const [entry] = entries;
  if (entry === undefined) {
    return `its FDB has no entry for ${address}: such frames are flooded`;
  }
  const names = entries.map((one) => {
    const vlan = one.vlan === 0 ? "" : `, VLAN ${one.vlan}`;
    return `${portName(state, one.port)} (${one.local ? "local" : one.static ? "static" : "learned"}${vlan})`;
  });
  const away =
    port && entries.every((one) => one.port !== port.ifindex) ? `, not at ${port.name}` : "";
  return `its FDB has ${address} at ${names.join(" and ")}${away}`;
}

/** What of netfilter sees bridged frames there. */
export function hooksOf({ netfilterCalls, filters }: BridgeState): string[] {
  const calls =
    netfilterCalls === null
      ? []
      : (["ip", "ip6", "arp"] as const).filter((family) => netfilterCalls[family]);
  const tables = { ip: "iptables", ip6: "ip6tables", arp: "arptables" } as const;
  const called = calls.map((family) => tables[family]);
  const chains = (filters?.chains ?? []).filter(
    ({ family, hook }) => hook !== null && (family === "bridge" || family === "netdev"),
  );
  return [
    ...(called.length === 0
      ? []
      : [
          `bridged frames pass ${called.join(", ")} and what else hooks in there (bridge-nf-call-*)`,
        ]),
    ...chains.map(
      ({ family, table, name, hook, policy }) =>
        `nftables' chain ${name} of the table ${family} ${table} (${hook}${policy === null ? "" : `, policy ${policy}`})`,
    ),
  ];
}
