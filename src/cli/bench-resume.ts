import { dirname } from "node:path";
import {
  checkResumable,
  findJournal,
  headOf,
  journalPath,
  openJournal,
  removeJournal,
  reopenJournal,
} from "../bench/journal/file.ts";
import type { FileJournal } from "../bench/journal/journal.ts";
import type { JournalHead } from "../bench/journal/line.ts";
import type { Resumed } from "../bench/journal/read.ts";
import type { Plan } from "../bench/plan.ts";
import { pairsIn } from "../bench/versus/tape.ts";
import type { Run } from "../document/run.ts";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { plural } from "../text/units.ts";
import type { VersusOptions } from "./bench-versus.ts";

/** What root would run for the sake of a file: asked for on the command line alone. */
const COMMANDS = [
  ...(["setup", "teardown", "setupLimit", "baseSetup", "baseTeardown"] as const),
  ...(["candidateSetup", "candidateTeardown"] as const),
];

const NOT_KEPT = new Set<string>(["out", "json", "resume", ...COMMANDS]);

/** Options that may stand beside --resume; all others were said when the run began. */
const BESIDE = new Set<string>(["resume", "json", ...COMMANDS]);

export interface Going {
  planName: string | undefined;
  request: VersusOptions;
  resumed: Resumed;
  /** Of the journal. */
  path: string;
}

/** What the run asked for that is to go on; throws a UsageError where there is none at that path. */
export function goingOn(path: string, options: VersusOptions & { resume?: string }): Going {
  const stray = Object.entries(options).find(
    ([name, value]) => value !== undefined && !BESIDE.has(name),
  );
  if (stray !== undefined) {
    throw new UsageError(
      `--resume takes the run's own options from its journal: leave out ${stray[0]}`,
    );
  }
  const found = findJournal(path);
  if (found === null) {
    throw new UsageError(
      `no run to resume at ${printable(path)}: expected a folder of reports with a journal.ndjson, which a run has until it is complete`,
    );
  }
  const { head } = found.resumed;
  const request: VersusOptions = { ...head.request };
  for (const name of COMMANDS) {
    const given = options[name];
    if (given !== undefined) Object.assign(request, { [name]: given });
  }
  return {
    planName: head.plan ?? undefined,
    request: {
      ...request,
      seed: String(head.run.provenance.seed),
      out: dirname(found.path),
      json: options.json === true,
    },
    ...found,
  };
}

/** A run that keeps a journal, and what was asked for. */
export interface Kept {
  of: JournalHead["of"];
  plan: Plan;
  planName: string | undefined;
  options: object;
  going: Going | null;
}

/** The journal of a run that begins, in that folder, or of one that goes on, where it is. */
export function journalOf(
  { of, plan, planName, options, going }: Kept,
  run: Run,
  folder: string,
  say: (sentence: string) => void,
): FileJournal {
  if (going === null) {
    return openJournal(folder, headOf(of, run, plan, planName, keptOf(options)), say);
  }
  checkResumable(going.resumed, plan, run.environment.kernel);
  return reopenJournal(going.path, going.resumed, new Date().toISOString(), say);
}

/** Of a run that came to its end. */
export function forgetJournal(going: Going | null, folder: string): void {
  removeJournal(going?.path ?? journalPath(folder));
}

/** One line on what is finished of so many cases, in rounds or in pairs, and what is not. */
export function resumption(resumed: Resumed, cases: number): string {
  const { head, finished, inHand, compared, measuring } = resumed;
  const [rounds, pairs] = [inHand?.rounds.length ?? 0, pairsIn(measuring?.sessions.flat() ?? [])];
  const more = [
    ...(rounds === 0 ? [] : [` and ${plural(rounds, "round")} of the next`]),
    ...(pairs === 0 ? [] : [` and ${plural(pairs, "pair")} of the next`]),
  ];
  return `going on with run ${head.run.id}: ${finished.length + compared.length} of ${plural(cases, "case")}${more.join("")} are finished`;
}

export function howToGoOn(folder: string): string {
  return `\`bridgescope bench --resume ${folder}\` goes on with it`;
}

/** What of a request a journal keeps. */
function keptOf(request: object): Record<string, string | number | (string | number)[]> {
  return Object.fromEntries(
    Object.entries(request).filter(([name, value]) => {
      const plain = typeof value === "string" || typeof value === "number" || Array.isArray(value);
      return plain && !NOT_KEPT.has(name);
    }),
  );
}
