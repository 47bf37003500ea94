/** Round trips as the sender saw them: which cases have any, and what their clock counts. */
import type { Case, RoundTrip, Run } from "../../document/run.ts";
import { count, plural } from "../../text/units.ts";

export interface TimedTrips {
  readonly item: Case;
  readonly trips: RoundTrip;
}

/** In the order of the cases; what was never answered has no percentile. */
export function roundTripsIn(run: Run): TimedTrips[] {
  return run.cases.flatMap((item) =>
    item.roundTrip === undefined || item.roundTrip.count === 0
      ? []
      : [{ item, trips: item.roundTrip }],
  );
}

/** The columns that autocannon's users know, and the far end. */
export const TRIP_COLUMNS = [
  { title: "2.5 %", of: (trips: RoundTrip) => trips.p2_5 },
  { title: "50 %", of: (trips: RoundTrip) => trips.p50 },
  { title: "97.5 %", of: (trips: RoundTrip) => trips.p97_5 },
  { title: "99 %", of: (trips: RoundTrip) => trips.p99 },
  { title: "99.9 %", of: (trips: RoundTrip) => trips.p999 },
  { title: "max", of: (trips: RoundTrip) => trips.max },
] as const;

export const TRIPS_HEADING = "Round trips, as the sender saw them";

const FROM_WORDS: Record<RoundTrip["from"], string> = {
  "request sent": "request sent",
  "intended send time": "intended send time (what waited before it was sent counts)",
};
const MISSED_WORDS = "slots of the rate that were missed (sent a slot late, or not at all)";

/** For formats with a column for each: what the words in them mean. */
export const TRIPS_WORDS = `Clock from ${Object.values(FROM_WORDS).join(", or from ")}. Missed: ${MISSED_WORDS}; none without a rate.`;

/** For formats without: from what the clock counts, over how many round trips, and which slots were missed. */
export function tripNotes(timed: readonly TimedTrips[]): string[] {
  const clocks = [...new Set(timed.map(({ trips }) => trips.from))].map((from) => {
    const cases = timed.filter(({ trips }) => trips.from === from);
    const named = cases.map(
      ({ item, trips }) => `${item.id} (${plural(trips.count, "round trip")})`,
    );
    return `clock from ${FROM_WORDS[from]}: ${named.join(", ")}`;
  });
  const paced = timed.flatMap(({ item, trips }) =>
    trips.missedSlots === null ? [] : [`${item.id} ${count(trips.missedSlots)}`],
  );
  return paced.length === 0 ? clocks : [...clocks, `${MISSED_WORDS}: ${paced.join(", ")}`];
}
