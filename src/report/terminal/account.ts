import { type BridgeAccount, type Case, DECISIONS, type Run } from "../../document/run.ts";
import { count, digits, plural } from "../../text/units.ts";
import { booksOf } from "../facts/books.ts";
import { DECISION_WORDS } from "../facts/words.ts";
import { cells, type Row, right, type Screen, type Tone } from "./screen.ts";

/** What the bridge did with each frame that came in: exactly one decision each. */
export function writeDecisions(screen: Screen, run: Run): void {
  const observed = withBridge(run);
  if (observed.length === 0) return;
  screen.heading("Decisions, one for each frame that entered");
  const rows = observed.map(({ item, bridge }) => ({
    label: item.id,
    cells: DECISIONS.map((name) => ({
      text: count(bridge.decisions[name]),
      tone: bridge.decisions[name] === 0 ? ("dim" as const) : ("plain" as const),
    })),
  }));
  screen.table("case", right(...DECISIONS.map((name) => DECISION_WORDS[name].short)), rows);
}

/** Copies per frame, and what happened to the FDB. */
export function writeAccounts(screen: Screen, run: Run): void {
  const observed = withBridge(run);
  if (observed.length === 0) return;
  screen.heading("Copies and the forwarding database");
  const head = right("in", "out", "own", "amplif.", "learned", "moved", "aged");
  const rows: Row[] = observed.map(({ item, bridge }) => ({
    label: item.id,
    cells: cells([
      count(bridge.ingress),
      count(bridge.egress),
      count(bridge.originated),
      amplification(bridge),
      count(bridge.learned),
      count(bridge.moved),
      count(bridge.aged),
    ]),
  }));
  screen.table("case", head, rows);
  screen.paragraph(
    "in: frames that entered; out: copies and the bridge's own frames; amplif.: copies per frame in",
    { indent: 2, tone: "dim" },
  );
}

/** By place and reason, the largest first. */
export function writeDrops(screen: Screen, run: Run): void {
  const dropping = withBridge(run).filter(({ bridge }) => bridge.drops.length > 0);
  if (dropping.length === 0) return;
  screen.heading("Drops, by reason and place");
  for (const { item, bridge } of dropping) {
    screen.paragraph(item.id, { indent: 2, hanging: 4 });
    for (const drop of bridge.drops.toSorted((a, b) => b.count - a.count)) {
      screen.paragraph(`${count(drop.count)} ${drop.reason} in ${drop.where}`, {
        indent: 4,
        hanging: 6,
        tone: "caution",
      });
    }
  }
}

/** Closure, in a line a case. */
export function writeBooks(screen: Screen, run: Run): void {
  screen.heading("Closure: probes against interface counters");
  const balanced = run.cases.filter((item) => booksOf(item).state === "balanced");
  if (balanced.length > 0) {
    screen.paragraph(
      `books balance: ${balanced.length === run.cases.length ? `all ${plural(run.cases.length, "case")}` : balanced.map((item) => item.id).join(", ")}`,
      { indent: 2, hanging: 4, tone: "good" },
    );
  }
  const tones: Record<string, Tone> = { unbalanced: "alarm", partly: "plain", notObserved: "dim" };
  for (const item of run.cases) {
    const books = booksOf(item);
    if (books.state === "balanced") continue;
    screen.paragraph(`${item.id}: ${books.text}`, {
      indent: 2,
      hanging: 4,
      tone: tones[books.state] ?? "plain",
    });
  }
}

function amplification(bridge: BridgeAccount): string {
  return bridge.amplification === null ? "-" : digits(bridge.amplification);
}

function withBridge(run: Run): { item: Case; bridge: BridgeAccount }[] {
  return run.cases.flatMap((item) =>
    item.bridge === undefined ? [] : [{ item, bridge: item.bridge }],
  );
}
