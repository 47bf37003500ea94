/** What can be shown of a port or a bridge in a line, and what there is room for. */
import type { WatchPort } from "../../document/watch.ts";
import { sparkline } from "../../text/sparkline.ts";
import { digits, passage } from "../../text/units.ts";

/** A port, or the sum of all ports of a bridge, over one record. */
export interface Line {
  name: string;
  owner: string;
  state: string;
  port: WatchPort;
  /** Seconds of the record, and those that were counted. */
  seconds: number;
  counted: number;
  /** p99 of its floods, or of its forwarding where it floods nothing, record by record. */
  history: readonly number[];
}

export interface Column {
  title: string;
  /** In columns of the terminal. */
  size: number;
  align: "left" | "right";
  text: (line: Line) => string;
  /** What lines are sorted by; null where the column is nothing to sort by. */
  value: ((line: Line) => number) | null;
}

const NUMBER = 7;
const NONE = "-";

const perSecond = (count: number | null, seconds: number): number | null =>
  count === null || seconds === 0 ? null : count / seconds;

function rate(title: string, of: (line: Line) => number | null): Column {
  return {
    title,
    size: NUMBER,
    align: "right",
    text: (line) => short(of(line)),
    value: (line) => of(line) ?? -1,
  };
}

const counted = (title: string, of: (port: WatchPort) => number | null) =>
  rate(title, (line) => perSecond(of(line.port), line.counted));

const decision = (title: string, name: keyof NonNullable<WatchPort["decisions"]>) =>
  counted(title, (port) => port.decisions?.[name] ?? null);

/** By reason where the probes count; else those of the interface's own counter. */
export function dropRate({ port, seconds, counted }: Line): number | null {
  const { dropped, counters } = port;
  if (dropped === null) return perSecond(counters.txDropped, seconds);
  return perSecond(
    dropped.reduce((sum, { count }) => sum + count, 0),
    counted,
  );
}

function latency(
  title: string,
  stage: "bridge.forward" | "bridge.flood",
  quantile: "p50" | "p99",
): Column {
  const of = ({ port }: Line) => port.latency[stage]?.[quantile] ?? null;
  return {
    title,
    size: 8,
    align: "right",
    text: (line) => {
      const value = of(line);
      return value === null ? NONE : passage(value, "ns");
    },
    value: (line) => of(line) ?? -1,
  };
}

/** In the order in which they stand. */
export const COLUMNS = {
  owner: { title: "owner", size: 14, align: "left", text: (line) => line.owner, value: null },
  state: { title: "state", size: 10, align: "left", text: (line) => line.state, value: null },
  // The interface counters are complete whatever the probes do.
  in: rate("in/s", (line) => perSecond(line.port.counters.rx, line.seconds)),
  out: rate("out/s", (line) => perSecond(line.port.counters.tx, line.seconds)),
  known: decision("known", "knownUnicast"),
  unknown: decision("unknown", "unknownUnicast"),
  broadcast: decision("bcast/s", "broadcast"),
  dropped: rate("drop/s", dropRate),
  multicast: decision("mcast", "multicast"),
  local: decision("local", "local"),
  filtered: decision("filter", "filtered"),
  held: counted("held", (port) => port.held),
  copies: counted("copies", (port) => port.copies),
  amplification: rate("ampl", (line) => line.port.amplification),
  learned: counted("learn", (port) => port.learned),
  moved: counted("move", (port) => port.moved),
  later: counted("later", (port) => port.later),
  unattributed: counted("unattr", (port) => port.unattributed),
  forward50: latency("fwd p50", "bridge.forward", "p50"),
  forward99: latency("fwd p99", "bridge.forward", "p99"),
  flood50: latency("fld p50", "bridge.flood", "p50"),
  flood99: latency("fld p99", "bridge.flood", "p99"),
  history: {
    title: "trend",
    size: 8,
    align: "left",
    text: (line) => sparkline(line.history, 8),
    value: null,
  },
} as const satisfies Record<string, Column>;

export type ColumnName = keyof typeof COLUMNS;

/** The first ones are shown in the narrowest terminal. */
const PRIORITY: ColumnName[] = [
  ...(["in", "out", "unknown", "broadcast", "dropped", "amplification"] as const),
  ...(["owner", "flood99", "history"] as const),
  ...(["known", "multicast", "forward99", "moved", "learned", "copies", "state"] as const),
  ...(["filtered", "flood50", "forward50", "local", "held", "later", "unattributed"] as const),
];
const GAP = 1;

/** Those that fit into `room` columns, the more important first, in the order in which they stand. */
export function fitting(room: number, wanted: readonly ColumnName[] = PRIORITY): ColumnName[] {
  const chosen = new Set<ColumnName>();
  let left = room;
  for (const name of wanted) {
    const size = COLUMNS[name].size + GAP;
    if (size > left) continue;
    chosen.add(name);
    left -= size;
  }
  return (Object.keys(COLUMNS) as ColumnName[]).filter((name) => chosen.has(name));
}

/** `sort` is `name` or a column's name; the largest first unless `reverse`. */
export function sorted<L extends Line>(lines: readonly L[], sort: string, reverse: boolean): L[] {
  const column: Column | undefined = COLUMNS[sort as ColumnName];
  const value = column?.value ?? null;
  const order = [...lines].sort((a, b) =>
    value === null
      ? compareNames(a.name, b.name)
      : value(b) - value(a) || compareNames(a.name, b.name),
  );
  return reverse ? order.reverse() : order;
}

/** `veth2` before `veth10`. */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** What lines can be sorted by, in the order in which a key walks through them. */
export const SORTS: readonly string[] = [
  "name",
  ...(Object.keys(COLUMNS) as ColumnName[]).filter((name) => COLUMNS[name].value !== null),
];

/** At most six characters: `999`, `12.3k`, `4.56M`. */
export function short(value: number | null): string {
  if (value === null) return NONE;
  if (value < 1000)
    return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
  const [scaled, unit] =
    value < 999_500
      ? [value / 1e3, "k"]
      : value < 999_500_000
        ? [value / 1e6, "M"]
        : [value / 1e9, "G"];
  return `${digits(scaled)}${unit}`;
}
