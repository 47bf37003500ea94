/** Learning over time: what an address costs to learn while the FDB fills. */
import type { Case, Run } from "../../document/run.ts";
import { quantity } from "../../text/units.ts";
import { type Html, html } from "./markup.ts";
import { code } from "./parts.ts";
import { scatter } from "./scatter.ts";

const MOST = 240;

/** Nothing where no case taught the bridge addresses. */
export function learningPart(run: Run): Html {
  const plots = run.cases.flatMap(({ id, learning = [] }, index) =>
    learning.length === 0 ? [] : [plot(id, thinned(learning), index)],
  );
  if (plots.length === 0) return html``;
  return html`<h3>Learning while the FDB fills</h3><div class="strips">${plots}</div>`;
}

type Learning = NonNullable<Case["learning"]>;

function plot(id: string, learning: Learning, index: number): Html {
  return scatter(
    learning.map(({ round, entries, nsPerFrame }) => ({
      x: entries,
      y: nsPerFrame,
      says: `round ${round}, ${quantity(entries, "entries")} learned before: ${quantity(nsPerFrame, "ns")} a frame`,
    })),
    {
      id: `learning-${index}`,
      title: `Time to send a frame from a new address, by the size of the FDB, in ${id}`,
      caption: html`<strong>time a frame</strong> from a new address in ${code(id)}, a dot for each train of frames; the FDB is empty at the left of each round`,
      xUnit: "entries",
      xLabel: "learned before",
      yUnit: "ns",
    },
  );
}

/** Evenly, to as many as can be told apart. */
function thinned(learning: Learning): Learning {
  const step = Math.ceil(learning.length / MOST);
  return learning.filter((_, place) => place % step === 0);
}
