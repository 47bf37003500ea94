import type { Run } from "../../document/run.ts";
import { duration } from "../../text/units.ts";
import { roundTripsIn, TRIP_COLUMNS, TRIPS_HEADING, tripNotes } from "../facts/round-trip.ts";
import { right, type Screen } from "./screen.ts";

/** One line a case: where its round trips lie, and what started the clock. */
export function writeRoundTrips(screen: Screen, run: Run): void {
  const timed = roundTripsIn(run);
  if (timed.length === 0) return;
  screen.heading(TRIPS_HEADING);
  const head = right(...TRIP_COLUMNS.map(({ title }) => title));
  screen.table(
    "case",
    head,
    timed.map(({ item, trips }) => ({
      label: item.id,
      cells: TRIP_COLUMNS.map(({ title, of }) => ({
        text: duration(of(trips)),
        tone: title === "50 %" ? ("strong" as const) : ("plain" as const),
      })),
    })),
  );
  for (const note of tripNotes(timed))
    screen.paragraph(note, { indent: 2, hanging: 4, tone: "dim" });
}
