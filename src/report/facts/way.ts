/** The way of a frame as a document has it: stage after stage, and what they leave of the path. */
import type { Case, Latency, PortAccount, Stage } from "../../document/run.ts";
import { isFlooded } from "./result.ts";

export interface Leg {
  readonly name: string;
  readonly stage: Stage;
  /** Whose number it is; null for one of the whole case. */
  readonly port: string | null;
  readonly times: Pick<Latency, "p50" | "p90" | "p99">;
  /** Where it begins: where the medians before it end. */
  readonly start: number;
}

export interface Way {
  readonly unit: Latency["unit"];
  readonly legs: readonly Leg[];
  /** The path's median less those of the legs in a row; below zero where they add up to more. Null without a path, or a leg. */
  readonly rest: { readonly start: number; readonly length: number } | null;
  /** The path, and in a flood the leg and the path of the copy that was first. */
  readonly paths: readonly Leg[];
  /** The veth legs that the document does not have, and why. */
  readonly missing: string | null;
}

/** Frames the other way that leave the percentiles of a port those of one leg. */
const STRAY = 0.01;
/** Less than this share of the busiest port's samples is not what the case is about. */
const BUSY = 0.1;

/** Null where no stage of the case was timed. */
export function wayOf(item: Case): Way | null {
  const timed = Object.values(item.latency).find(({ sampled }) => sampled > 0);
  if (timed === undefined) return null;
  return item.lab.bridge === null ? overLink(item, timed.unit) : overBridge(item, timed.unit);
}

/** Which legs the port's one number for `veth` is of. */
export function portVeth({
  ingress,
  egress,
}: PortAccount): "veth in" | "veth out" | "veth, both legs" {
  const stray = STRAY * (ingress + egress);
  if (egress <= stray) return "veth in";
  return ingress <= stray ? "veth out" : "veth, both legs";
}

function overLink(item: Case, unit: Latency["unit"]): Way {
  const legs = ofCase(item, "veth", 0);
  const paths = ofCase(item, "path", 0);
  return { unit, legs, rest: restOf(legs, paths), paths, missing: null };
}

function overBridge(item: Case, unit: Latency["unit"]): Way {
  const flooded = item.bridge !== undefined && isFlooded(item.bridge);
  const counted = unit === "instructions";
  const { entry, exits } = vethPorts(counted ? [] : item.ports, flooded);
  const [last, first] = exits;
  // Instructions are counted by case.
  const into = counted
    ? ofCase(item, "veth.in", 0)
    : ofPort(entry, "veth", "veth to the bridge", 0);
  const inside = endOf(into, 0);
  const stages = INSIDE.flatMap((stage) => ofCase(item, stage, inside));
  const through = stages.filter(({ stage }) => stage === throughOf(stages, flooded));
  const order = first === undefined ? "" : ", last copy";
  const words = first === undefined ? "veth from the bridge" : `veth${order}`;
  const behind = endOf(through, inside);
  const out = counted ? ofCase(item, "veth.out", behind) : ofPort(last, "veth", words, behind);
  const paths =
    flooded && last !== undefined
      ? ofPort(last, "path", `path${order}`, 0)
      : ofCase(item, "path", 0);
  const missing = [
    ...(into.length === 0 ? ["to the bridge"] : []),
    ...(out.length === 0 ? ["from the bridge"] : []),
  ];
  return {
    unit,
    legs: [...into, ...stages, ...out],
    rest: restOf([...into, ...through, ...out], paths),
    paths: [...paths, ...firstCopy(first)],
    missing:
      missing.length === 0 ? null : `veth ${missing.join(" and ")}: ${whyMissing(item, unit)}`,
  };
}

function whyMissing({ lab, latency, ports }: Case, unit: Latency["unit"]): string {
  if (unit === "instructions") {
    return lab.bridge?.inSeries === undefined ? "not counted" : "a hop begins at the bridge";
  }
  if (latency.veth === undefined) return "not timed";
  return ports.some((port) => sampledOf(port, "veth") > 0)
    ? "the ports have frames both ways, and a port has one number for both"
    : "the document has no times by port";
}

const INSIDE = ["bridge.learn", "bridge.lookup", "bridge.forward", "bridge.flood"] as const;

/** The stage that takes a frame from the ingress port to the egress port. */
function throughOf(stages: readonly Leg[], flooded: boolean): Stage | undefined {
  const order: Stage[] = ["bridge.forward", "bridge.flood"];
  const wanted = flooded ? order.toReversed() : order;
  return wanted.find((stage) => stages.some((one) => one.stage === stage));
}

/** Its leg ends where its path does; when it was queued the document does not say. */
function firstCopy(port: PortAccount | undefined): Leg[] {
  const [path] = ofPort(port, "path", "path, first copy", 0);
  const [leg] = ofPort(port, "veth", "veth, first copy", 0);
  if (path === undefined || leg === undefined) return [];
  return [{ ...leg, start: Math.max(0, path.times.p50 - leg.times.p50) }, path];
}

/** Ports whose `veth` is one leg, since frames pass them one way. Of several, the one in the middle; of a flood's copies, the last and the first. */
function vethPorts(ports: readonly PortAccount[], flooded: boolean) {
  const timed = ports.filter((port) => sampledOf(port, "veth") > 0);
  const entry = middleOf(busy(timed.filter((port) => portVeth(port) === "veth in")));
  const out = busy(timed.filter((port) => portVeth(port) === "veth out"));
  return { entry, exits: flooded ? endsOf(out) : [middleOf(out)] };
}

/** The port whose copy took longest from the sender, then the one whose copy was there first. */
function endsOf(ports: readonly PortAccount[]): PortAccount[] {
  const sorted = ports
    .filter((port) => sampledOf(port, "path") > 0)
    .toSorted((a, b) => medianOf(b, "path") - medianOf(a, "path"));
  return [...new Set([...sorted.slice(0, 1), ...sorted.slice(-1)])];
}

function middleOf(ports: readonly PortAccount[]): PortAccount | undefined {
  const sorted = ports.toSorted((a, b) => medianOf(a, "veth") - medianOf(b, "veth"));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function busy(ports: readonly PortAccount[]): PortAccount[] {
  const most = Math.max(0, ...ports.map((port) => sampledOf(port, "veth")));
  return ports.filter((port) => sampledOf(port, "veth") >= BUSY * most);
}

function sampledOf({ latency }: PortAccount, stage: Stage): number {
  return latency[stage]?.sampled ?? 0;
}

function medianOf({ latency }: PortAccount, stage: Stage): number {
  return latency[stage]?.p50 ?? 0;
}

function ofPort(port: PortAccount | undefined, stage: Stage, words: string, start: number): Leg[] {
  const times = port?.latency[stage];
  if (port === undefined || times === undefined || times.sampled === 0) return [];
  return [{ name: `${words} (${port.name})`, stage, port: port.name, times, start }];
}

function ofCase({ latency }: Case, stage: Stage, start: number): Leg[] {
  const times = latency[stage];
  if (times === undefined || times.sampled === 0) return [];
  return [{ name: stage, stage, port: null, times, start }];
}

function endOf(legs: readonly Leg[], otherwise: number): number {
  const last = legs.at(-1);
  return last === undefined ? otherwise : last.start + last.times.p50;
}

function restOf(chain: readonly Leg[], [path]: readonly Leg[]): Way["rest"] {
  if (path === undefined || chain.length === 0) return null;
  const start = endOf(chain, 0);
  return { start, length: path.times.p50 - start };
}
