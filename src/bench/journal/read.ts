import type { Case, Check, Round, Run } from "../../document/run.ts";
import { UsageError } from "../../system/errors.ts";
import { printable } from "../../text/printable.ts";
import type { Both } from "../versus/sides.ts";
import {
  type Attempt,
  headSchema,
  type JournalHead,
  type KeptRound,
  lineSchema,
  type SessionEvent,
} from "./line.ts";

/** What a run that was cut off had finished. */
export interface Resumed {
  head: JournalHead;
  /** When the run was gone on with before. */
  resumedAt: string[];
  /** Null where the walk had not come to its end. */
  checks: Check[] | null;
  finished: Case[];
  /** The case that was in hand, or null between two of them. */
  inHand: InHand | null;
  /** Of two variants: the cases of both sides that came to their end. */
  compared: Both<Case>[];
  /** Of two variants: the case that was in hand, by its base's id, with what happened in each of its measurements. */
  measuring: { id: string; sessions: SessionEvent[][] } | null;
  /** Of kernels: the document of each boot. */
  boots: Run[];
  /** Nanoseconds that the run had taken until its last line. */
  elapsedNs: number;
  /** Bytes of the whole lines: what stands behind them was being written when the run ended. */
  wholeBytes: number;
}

export interface InHand extends Attempt {
  /** The case when its probes had been read; null when they had not, or where there were none. */
  observed: Case | null;
  /** Rounds since then, or since the attempt began. */
  rounds: KeptRound[];
  /** Rounds whose probes were not read before the end. */
  unread: Round[];
}

/** Reads a journal's text. A last line that was cut off is left out; throws a UsageError for any other fault. */
export function readJournal(text: string, path: string): Resumed {
  const end = text.lastIndexOf("\n");
  const lines = text
    .slice(0, end + 1)
    .split("\n")
    .slice(0, -1);
  const fault = (line: number, reason: string) =>
    new UsageError(`${printable(path)} is no journal of a run: line ${line}, ${printable(reason)}`);
  const parsed = lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown;
    } catch {
      throw fault(index + 1, "is not JSON");
    }
  });
  const head = headSchema.safeParse(parsed[0]);
  if (!head.success) throw fault(1, reasonOf(head.error));
  const resumed: Resumed = {
    head: head.data,
    resumedAt: [],
    checks: null,
    finished: [],
    inHand: null,
    compared: [],
    measuring: null,
    boots: [],
    elapsedNs: 0,
    wholeBytes: Buffer.byteLength(text.slice(0, end + 1)),
  };
  for (const [index, value] of parsed.slice(1).entries()) {
    const line = lineSchema.safeParse(value);
    if (!line.success) throw fault(index + 2, reasonOf(line.error));
    const problem = enter(resumed, line.data);
    if (problem !== null) throw fault(index + 2, problem);
  }
  return resumed;
}

/** Null, or why the line cannot stand where it stands. */
function enter(resumed: Resumed, line: ReturnType<typeof lineSchema.parse>): string | null {
  resumed.elapsedNs = line.elapsedNs;
  if ("resumedAt" in line) {
    resumed.resumedAt.push(line.resumedAt);
  } else if ("checks" in line) {
    resumed.checks = line.checks;
  } else if ("begun" in line) {
    resumed.inHand = { ...line.begun, observed: null, rounds: [], unread: [] };
  } else if ("finished" in line) {
    resumed.finished.push(line.finished);
    resumed.inHand = null;
  } else if ("measuring" in line) {
    return enterMeasuring(resumed, line.measuring);
  } else if ("built" in line || "pair" in line) {
    const session = resumed.measuring?.sessions.at(-1);
    if (session === undefined) return "belongs to a measurement, and none had begun";
    session.push(line);
  } else if ("compared" in line) {
    resumed.compared.push(line.compared);
    resumed.measuring = null;
  } else if ("boot" in line) {
    resumed.boots.push(line.boot);
  } else if (resumed.inHand === null) {
    return "belongs to a case, and none had begun";
  } else if ("observed" in line) {
    Object.assign(resumed.inHand, { observed: line.observed, rounds: [], unread: [] });
  } else if (line.round.side === "on") {
    const reason = "the run was cut off before the probes were read";
    resumed.inHand.unread.push({ ...line.round, discarded: reason });
  } else {
    resumed.inHand.rounds.push(line);
  }
  return null;
}

function enterMeasuring(
  resumed: Resumed,
  { id, measurement }: { id: string; measurement: number },
): string | null {
  if (resumed.measuring?.id !== id) resumed.measuring = { id, sessions: [] };
  const { sessions } = resumed.measuring;
  // Said again by each process that goes on with it.
  if (measurement === sessions.length + 1) sessions.push([]);
  return measurement === sessions.length ? null : "is a measurement without the one before it";
}

function reasonOf(error: { issues: { path: PropertyKey[]; message: string }[] }): string {
  const [issue] = error.issues;
  return `${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "not valid"}`;
}
