/** The guest of a run, what its kernel lets us probe, and what the bridge called a flood. */
import type { PortAccount, Run } from "../../document/run.ts";
import { count } from "../../text/units.ts";
import {
  calibrations,
  FLOOD_WORDS,
  floodRows,
  functionRows,
  functionSummary,
  guestFacts,
} from "../facts/guest.ts";
import { type Html, html } from "./markup.ts";
import { code, pairs, right, table } from "./parts.ts";

export function guestPart(run: Run): Html {
  const facts = guestFacts(run);
  return facts.length === 0 ? html`` : html`<h3>Guest</h3>${pairs(facts)}`;
}

export function functionsPart(run: Run): Html {
  const rows = functionRows(run);
  if (rows === null) return html``;
  return table(
    `Functions on a frame's way: ${functionSummary(run.environment.functions ?? [])}`,
    [{ title: "Function" }, { title: "Module" }, { title: "fentry" }, { title: "kprobe" }],
    rows.map(({ name, module, fentry, kprobe }) => ({
      cells: [
        code(name),
        code(module),
        { value: fentry, kind: "wide" as const },
        { value: kprobe, kind: "wide" as const },
      ],
    })),
  );
}

export function calibrationPart(run: Run): Html {
  const all = calibrations(run);
  if (all.length === 0) return html``;
  return table(
    "What counted time is net of",
    [{ title: "Probes" }, { title: "Cases" }],
    all.map(({ text, cases }) => ({
      cells: [
        { value: text, kind: "wide" as const },
        { value: cases.join(", "), kind: "wide" as const },
      ],
    })),
  );
}

export function floodsPart(run: Run): Html {
  const rows = floodRows(run);
  if (rows.length === 0) return html``;
  const heads = ["unicast", "multicast", "broadcast", "targets", "skipped"];
  return table(
    `Floods: ${FLOOD_WORDS}`,
    [{ title: "Case" }, ...heads.map((title) => ({ title, align: "right" as const }))],
    rows.map((row) => ({
      cells: [
        code(row.id),
        ...[row.unicast, row.multicast, row.broadcast, row.considered, row.skipped].map((value) =>
          right(value === null ? "-" : count(value)),
        ),
      ],
    })),
  );
}

/** Which ports a flood looked at, and passed over; nothing where no port says. */
export function targetsTable(id: string, ports: readonly PortAccount[], most: number): Html {
  const known = ports.filter((port) => port.considered !== undefined);
  if (known.length === 0) return html``;
  return table(
    `Floods in ${id} by target port`,
    [
      { title: "Port" },
      { title: "considered", align: "right" },
      { title: "skipped", align: "right" },
    ],
    known.slice(0, most).map((port) => ({
      cells: [code(port.name), right(count(port.considered ?? 0)), right(count(port.skipped ?? 0))],
    })),
  );
}
