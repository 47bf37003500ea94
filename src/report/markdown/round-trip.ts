import type { Run } from "../../document/run.ts";
import { code, md, row, tableHead } from "../../text/markdown.ts";
import { count, duration } from "../../text/units.ts";
import { roundTripsIn, TRIP_COLUMNS, TRIPS_HEADING, TRIPS_WORDS } from "../facts/round-trip.ts";
import type { Section } from "./assemble.ts";

export function roundTrips(run: Run): Section {
  const titles = TRIP_COLUMNS.map(({ title }) => title);
  return {
    title: TRIPS_HEADING,
    folded: false,
    share: 6000,
    head: tableHead(
      ["Case", ...titles, "Round trips", "Clock from", "Missed"],
      `l${"r".repeat(titles.length + 1)}lr`,
    ),
    rows: roundTripsIn(run).map(({ item, trips }) =>
      row(
        code(item.id),
        ...TRIP_COLUMNS.map(({ of }) => duration(of(trips))),
        count(trips.count),
        trips.from,
        trips.missedSlots === null ? "-" : count(trips.missedSlots),
      ),
    ),
    note: md`${TRIPS_WORDS}`,
  };
}
