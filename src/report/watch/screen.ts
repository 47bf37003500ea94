/** One screen of `watch`, from the latest record of every bridge. */
import type { WatchDrop, WatchRecord } from "../../document/watch.ts";
import { columns, padEnd, padStart } from "../../text/layout.ts";
import { clip, printable } from "../../text/printable.ts";
import { count, plural, quantity } from "../../text/units.ts";
import { paint, type Tone } from "../terminal/screen.ts";
import { COLUMNS, type Column, dropRate, fitting, type Line, short, sorted } from "./columns.ts";
import { eventLines } from "./events.ts";
import { idOf, type Story } from "./story.ts";
import { together } from "./together.ts";
import { KEYS, type View } from "./view.ts";

export interface Size {
  /** Columns; Infinity for as many as it takes. */
  width: number;
  /** Lines; null for as many as there are. */
  height: number | null;
  color: boolean;
}

/** Lines that are no wider than the terminal; a blank screen never. */
export function drawWatch(story: Story, view: View, size: Size): string[] {
  const width = Math.max(1, size.width);
  const records = [...story.latest.values()];
  const ranked = view.open === null && records.length > 1;
  const shown = ranked ? null : (story.latest.get(view.open ?? "") ?? records[0] ?? null);
  const put = (text: string, tone: Tone = "plain") => {
    const line = cut(printable(text), width);
    return size.color ? paint(tone, line) : line;
  };
  const head = ranked
    ? [put(`${records.length} bridges`, "strong")]
    : shown === null
      ? [put("waiting for the first record", "dim")]
      : [put(summary(shown), "strong")];
  const about = (ranked ? records[0] : shown) ?? null;
  if (about !== null) head.push(put(probesLine(about), "dim"));
  for (const note of shown?.notes ?? records[0]?.notes ?? []) head.push(put(note, "caution"));
  const follow = shown?.fdb.follow;
  if (follow) head.push(put(`${follow.address}: ${whereabouts(follow.entries)}`, "strong"));

  if (view.help) return filled([...head, ...helpLines(put)], [], size.height);
  const matching = ranked ? ranking(story, view) : matchingOf(portLines(story, shown), view);
  const events = story.events
    .filter((event) => ranked || event.bridge === shown?.bridge.name)
    .flatMap(eventLines);
  const foot = size.height === null ? [] : [put(footer(view, ranked, matching.length), "dim")];
  const room =
    size.height === null ? Number.POSITIVE_INFINITY : size.height - head.length - foot.length - 1;
  const drops = dropLines(matching).slice(0, size.height === null ? undefined : MOST_DROP_LINES);
  const told = drops.slice(0, Math.max(0, room - 1));
  const left = room - told.length;
  const eventRoom = Math.min(events.length, Math.max(0, Math.min(6, left - matching.length - 1)));
  const rows = Math.max(0, left - (eventRoom > 0 ? eventRoom + 1 : 0));
  const offset = Math.min(
    ranked ? Math.max(0, view.selected - rows + 1) : view.offset,
    Math.max(0, matching.length - 1),
  );
  const body = table(ranked ? "bridge" : "port", matching.slice(offset, offset + rows), {
    width,
    put,
    marked: ranked && size.height !== null ? view.selected - offset : null,
  });
  const last = eventRoom > 0 ? events.slice(-eventRoom) : [];
  const timeline = last.length === 0 ? [] : [put("FDB", "dim"), ...last.map((event) => put(event))];
  const dropped = told.map((line) => put(line, "caution"));
  return filled([...head, ...body, ...dropped, ...timeline], foot, size.height);
}

const MOST_DROP_LINES = 3;

function filled(lines: readonly string[], foot: readonly string[], height: number | null) {
  if (height === null) return [...lines, ...foot];
  const fitted = lines.slice(0, Math.max(0, height - foot.length));
  while (fitted.length < height - foot.length) fitted.push("");
  return [...fitted, ...foot].slice(0, height);
}

function helpLines(put: (text: string, tone?: Tone) => string): string[] {
  const longest = Math.max(...KEYS.map(([key]) => columns(key)));
  return ["", ...KEYS.map(([key, does]) => put(`${padEnd(key, longest)}  ${does}`))];
}

/** A line for each that drops, the most first: how many, why, and where in the kernel. */
function dropLines(lines: readonly Line[]): string[] {
  return sorted(lines, "dropped", false).flatMap((line) => {
    const { dropped } = line.port;
    if (dropped === null || dropped.length === 0) return [];
    const reasons = dropped.map(
      ({ reason, where, count }) => `${reason} in ${where} ${short(count / line.counted)}/s`,
    );
    return [`${line.name} drops ${short(dropRate(line))}/s: ${reasons.join(", ")}`];
  });
}

/** Bridges in the order in which they are shown, as `press` wants their ids. */
export function rankedIds(story: Story, view: View): string[] {
  return ranking(story, view).map(({ id }) => id);
}

function ranking(story: Story, view: View): (Line & { id: string })[] {
  const lines = [...story.latest].map(([id, record]) => ({ id, ...bridgeLine(story, record) }));
  return matchingOf(lines, view);
}

/** Sorted, and those that the filter lets through. */
function matchingOf<L extends Line>(lines: readonly L[], view: View): L[] {
  const filter = view.filter.toLowerCase();
  return sorted(lines, view.sort, view.reverse).filter(({ name, owner }) =>
    `${name} ${owner}`.toLowerCase().includes(filter),
  );
}

function table(
  label: string,
  lines: readonly Line[],
  options: { width: number; put: (text: string, tone?: Tone) => string; marked: number | null },
): string[] {
  const { width, put, marked } = options;
  const longest = Math.max(...lines.map(({ name }) => columns(printable(name))), label.length);
  const first = Math.min(longest, Math.max(8, Math.floor(width / 4)), width);
  const names = fitting(width - first - 1).filter((name) =>
    lines.some((line) => ["in", "out"].includes(name) || COLUMNS[name].text(line) !== ""),
  );
  const sizes = new Map(
    names.map((name) => {
      const column: Column = COLUMNS[name];
      if (width !== Number.POSITIVE_INFINITY) return [name, column.size] as const;
      const texts = lines.map((line) => columns(printable(column.text(line))));
      return [name, Math.max(column.size, ...texts)] as const;
    }),
  );
  const row = (title: string, cell: (column: Column) => string) =>
    [
      padEnd(clip(printable(title), first), first),
      ...names.map((name) => {
        const column: Column = COLUMNS[name];
        const size = sizes.get(name) ?? column.size;
        const text = cut(printable(cell(column)), size);
        return column.align === "right" ? padStart(text, size) : padEnd(text, size);
      }),
    ].join(" ");
  return [
    put(row(label, ({ title }) => title).trimEnd(), "dim"),
    ...lines.map((line, index) => {
      const tone: Tone = index === marked ? "strong" : isTrouble(line) ? "caution" : "plain";
      return put(
        row(index === marked ? `>${line.name}` : line.name, ({ text }) => text(line)),
        tone,
      );
    }),
  ];
}

/** Every network asks by broadcast now and then; as many a second from one port is what storm control is for. */
const STORM_PER_S = 50;

/**
 * What is for no port, or for the one that it came in by, a bridge rightly drops: uplinks hear such frames all day. Kernels
 * before 6.14 do not say so, and free it where the bridge has looked for a port.
 */
function isForNobody({ reason, where }: WatchDrop): boolean {
  return (
    ["NO_TX_TARGET", "UNHANDLED_PROTO"].includes(reason) ||
    (reason === "NOT_SPECIFIED" && /^br_(forward|flood|handle_frame|multicast_flood)/.test(where))
  );
}

/** It floods, it storms, or it drops. Of frames that left nowhere nobody gets a copy. */
function isTrouble(line: Line): boolean {
  const { decisions, copies } = line.port;
  const unknown = (decisions?.unknownUnicast ?? 0) > 0;
  const storm = (decisions?.broadcast ?? 0) >= STORM_PER_S * Math.max(line.counted, 1e-3);
  const { dropped, counters } = line.port;
  const drops = dropped?.some((drop) => !isForNobody(drop)) ?? counters.txDropped > 0;
  return ((unknown || storm) && (copies ?? 0) > 0) || drops;
}

function portLines(story: Story, record: WatchRecord | null): Line[] {
  if (record === null) return [];
  const id = idOf(record);
  return record.ports.map((port) => ({
    name: port.name,
    owner: port.owner?.label ?? "",
    state: port.state,
    port,
    seconds: record.seconds,
    counted: ratedOver(record),
    history: story.history.get(`${id} ${port.ifindex}`) ?? [],
  }));
}

/** All ports of a bridge together; of latency, the slowest. */
function bridgeLine(story: Story, record: WatchRecord): Line {
  const longest = portLines(story, record).reduce<readonly number[]>(
    (best, { history }) => (history.length > best.length ? history : best),
    [],
  );
  return {
    name: record.bridge.name,
    owner: record.bridge.namespace.label,
    state: plural(record.ports.length - 1, "port"),
    port: together(record),
    seconds: record.seconds,
    counted: ratedOver(record),
    history: longest,
  };
}

/** Seconds that what was counted is of: totals that were split are of all of them. */
function ratedOver({ estimated, seconds, counted }: WatchRecord): number {
  return estimated ? seconds : counted;
}

function summary(record: WatchRecord): string {
  const { bridge, ports, seconds } = record;
  const counted = ratedOver(record);
  const all = together(record);
  const where = `${bridge.name} in ${bridge.namespace.label}, ${plural(ports.length - 1, "port")}`;
  if (seconds === 0) return where;
  const rate = quantity(all.counters.rx / seconds, "frames/s");
  const copied =
    all.copies === null || counted === 0
      ? ""
      : `, ${quantity(all.copies / counted, "copies/s")}, amplification ${all.amplification?.toFixed(2) ?? "-"}`;
  return `${where}: ${rate} in${copied}`;
}

function probesLine({ seconds, counted, overhead, lost }: WatchRecord): string {
  if (seconds === 0) return "attaching the probes; until then this is what netlink tells";
  const { share, limit, sampledOneIn } = overhead;
  const most = `${(limit * 100).toFixed(1)} %`;
  if (share === null) return "no probes: interface counters and FDB events only";
  const part =
    counted < seconds * 0.99
      ? `, counting ${Math.round((counted / seconds) * 100)} % of the time`
      : "";
  const sampled =
    sampledOneIn !== null && sampledOneIn > 1 ? `, 1 frame in ${sampledOneIn} timed` : "";
  const missing = lost > 0 ? `, ${count(lost)} events lost` : "";
  return `probes: ${(share * 100).toFixed(2)} % of a CPU, at most ${most}${part}${sampled}${missing}; p50, p99: probes on`;
}

function whereabouts(entries: NonNullable<WatchRecord["fdb"]["follow"]>["entries"]): string {
  if (entries.length === 0) return "in no FDB entry, so frames to it are flooded";
  return entries
    .map(({ vlan, port, kind }) => `${kind}, behind ${port}${vlan === 0 ? "" : ` in VLAN ${vlan}`}`)
    .join("; ");
}

function footer(view: View, ranked: boolean, matches: number): string {
  if (view.typing) return `filter: ${view.filter}_   Enter keeps it, Esc clears it`;
  const filter = view.filter === "" ? "/ filter" : `/${view.filter} (${matches}), Esc clears`;
  const back = view.open === null ? "" : "  Esc all bridges";
  const open = ranked ? "  Enter opens" : back;
  return `q quit  s sort ${view.sort}${view.reverse ? " up" : ""}  r reverse  ${filter}${open}  p ${view.paused ? "PAUSED" : "pause"}  ? keys`;
}

function cut(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let line = "";
  for (const point of text) {
    if (columns(line + point) > width - 1) break;
    line += point;
  }
  return `${line}…`;
}
