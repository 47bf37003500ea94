import {
  constants,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import type { Run } from "../../document/run.ts";
import { BridgescopeError, UsageError } from "../../system/errors.ts";
import { isFolder, makeFolder } from "../../system/folders.ts";
import { asCaller } from "../../system/privilege.ts";
import { version } from "../../system/version.ts";
import { printable } from "../../text/printable.ts";
import type { Plan } from "../plan.ts";
import { FileJournal } from "./journal.ts";
import { JOURNAL_SCHEMA, type JournalHead } from "./line.ts";
import { type Resumed, readJournal } from "./read.ts";

/** What a run that is not finished has beside its reports. */
const NAME = "journal.ndjson";

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

export const journalPath = (folder: string) => join(folder, NAME);

/** The first line of a run's journal. `request` is what the command line said, by the options' names in the library. */
export function headOf(
  of: JournalHead["of"],
  run: Run,
  plan: Plan,
  name: string | undefined,
  request: JournalHead["request"],
): JournalHead {
  return { schema: JOURNAL_SCHEMA, of, plan: name ?? null, request, steps: stepsOf(plan), run };
}

/** A new journal in that folder, which is made where it is missing. One of another run is kept under that run's name. */
export function openJournal(
  folder: string,
  head: JournalHead,
  warn: (sentence: string) => void,
): FileJournal {
  const path = journalPath(folder);
  const [kept, fd] = orSay("opened", () => {
    makeFolder(folder);
    return [setAside(path), opened(path, O_CREAT | O_EXCL)] as const;
  });
  if (kept !== null) {
    warn(
      `${path} of a run that was cut off is now ${kept}: \`bench --resume ${kept}\` goes on with it`,
    );
  }
  const journal = new FileJournal(fd, warn);
  journal.head(head);
  return journal;
}

/** Opens the journal of a run that goes on, behind its last whole line. */
export function reopenJournal(
  path: string,
  resumed: Resumed,
  resumedAt: string,
  warn: (sentence: string) => void,
): FileJournal {
  const fd = orSay("opened", () => opened(path, 0));
  ftruncateSync(fd, resumed.wholeBytes);
  const journal = new FileJournal(fd, warn, resumed.elapsedNs);
  journal.resumed(resumedAt);
  return journal;
}

/** Reads the journal at that path, or in that folder; null where there is none. */
export function findJournal(path: string): { path: string; resumed: Resumed } | null {
  const file = isFolder(path) ? journalPath(path) : path;
  let text: string;
  try {
    text = asCaller(() => readFileSync(file, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${printable(file)} cannot be read: ${reason}`, { cause });
  }
  return { path: file, resumed: readJournal(text, file) };
}

/**
 * Throws a UsageError where the rest of the run would not be of one piece with what is finished: another version of
 * bridgescope or of the kernel, or a plan that came to other cases than it did.
 */
export function checkResumable(
  { head }: Resumed,
  plan: Plan,
  kernel: Run["environment"]["kernel"],
): void {
  const { provenance, environment } = head.run;
  const refuse = (what: string) =>
    new UsageError(`the run ${head.run.id} cannot go on: ${printable(what)}`);
  if (provenance.version !== version) {
    throw refuse(`it was begun by bridgescope ${provenance.version}, and this is ${version}`);
  }
  const begun = `Linux ${environment.kernel.release} ${environment.kernel.version}`;
  const here = `Linux ${kernel.release} ${kernel.version}`;
  if (begun !== here) throw refuse(`it was begun on ${begun}, and this is ${here}`);
  if (JSON.stringify(head.steps) !== JSON.stringify(stepsOf(plan))) {
    throw refuse(
      `its plan came to ${head.steps.map(({ id }) => id).join(", ")}, and now comes to something else`,
    );
  }
}

export function removeJournal(path: string): void {
  orSay("removed", () => rmSync(path, { force: true }));
}

function stepsOf(plan: Plan): JournalHead["steps"] {
  return plan.cases.map(({ id, rounds, durationNs }) => ({ id, rounds, durationNs }));
}

/** Null where there was nothing. */
function setAside(path: string): string | null {
  const before = lstatSync(path, { throwIfNoEntry: false });
  if (before === undefined) return null;
  const stamp = before.mtime.toISOString().replace(/[-:]|\.\d+/g, "");
  const kept = path.replace(NAME, `journal-${stamp}.ndjson`);
  renameSync(path, kept);
  return kept;
}

function opened(path: string, flags: number): number {
  return openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | flags, 0o644);
}

function orSay<Result>(done: string, act: () => Result): Result {
  try {
    return asCaller(act);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BridgescopeError(`the run's journal cannot be ${done} (${reason})`, 1, { cause });
  }
}
