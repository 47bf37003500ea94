/** Round trips: where each case's lie, as numbers and as distributions over one axis. */
import type { Run } from "../../document/run.ts";
import { clip } from "../../text/printable.ts";
import { count, duration } from "../../text/units.ts";
import {
  roundTripsIn,
  type TimedTrips,
  TRIP_COLUMNS,
  TRIPS_HEADING,
  TRIPS_WORDS,
} from "../facts/round-trip.ts";
import { AXIS_WORDS } from "../facts/words.ts";
import type { Detail } from "./detail.ts";
import { ridges } from "./distribution.ts";
import { type Html, html } from "./markup.ts";
import { code, fold, right, section, table } from "./parts.ts";
import { ROUND_TRIP_CLASS } from "./tokens.ts";

/** Wide enough for a case's id; the stages of one case need less. */
const LABEL = 250;
/** More cases than this are drawn folded. */
const OPEN = 12;

/** Null where no case has round trips. */
export function roundTripSection(run: Run, detail: Detail): Html | null {
  const timed = roundTripsIn(run);
  if (timed.length === 0) return null;
  const titles = [...TRIP_COLUMNS.map(({ title }) => title), "Round trips"];
  const numbers = table(
    "Round trips over all measured rounds",
    [
      { title: "Case" },
      ...titles.map((title) => ({ title, align: "right" as const })),
      { title: "Clock from" },
      { title: "Missed", align: "right" },
    ],
    timed.map((one) => ({ cells: cellsOf(one) })),
  );
  return section("round-trip", TRIPS_HEADING, [
    numbers,
    html`<p>${TRIPS_WORDS}</p>`,
    ...distributions(timed, detail.bins),
  ]);
}

function cellsOf({ item, trips }: TimedTrips) {
  return [
    code(item.id),
    ...TRIP_COLUMNS.map(({ of }) => right(duration(of(trips)))),
    right(count(trips.count)),
    trips.from,
    right(trips.missedSlots === null ? "-" : count(trips.missedSlots)),
  ];
}

function distributions(timed: readonly TimedTrips[], bins: number): Html[] {
  const drawn = timed.filter(({ trips }) => trips.buckets.length > 0);
  if (drawn.length === 0) return [];
  const rows = drawn.map(({ item, trips }) => ({
    name: clip(item.id, 36),
    className: ROUND_TRIP_CLASS,
    words: `${count(trips.count)} round trips`,
    buckets: trips.buckets,
    says: `${item.id}: ${TRIP_COLUMNS.map(({ title, of }) => `${title} ${duration(of(trips))}`).join(", ")}`,
    marks: TRIP_COLUMNS.map(({ of }) => of(trips)),
  }));
  const figure = ridges(rows, {
    id: "dist-round-trip",
    title: "Round-trip distribution by case",
    axis: AXIS_WORDS.ns,
    unit: "ns",
    bins,
    label: LABEL,
  });
  return [
    fold({
      summary: "Distributions by case",
      open: rows.length <= OPEN,
      body: html`<p>Height is the share of the round trips per equal step of the axis, each case scaled to its own peak; the marks below a ridge are the percentiles of the table.</p>${figure}`,
    }),
  ];
}
