/**
 * The journal of a run: a head, then its events, one JSON value a line, written as they happen. A run that was cut
 * off goes on from it, so its death costs no more than the action in hand.
 */
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { eventSchema, type RunEvent } from "../document/event.ts";
import { type Run, runSchema } from "../document/run.ts";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { isFolder, makeFolder } from "../system/folders.ts";
import { asCaller } from "../system/privilege.ts";
import { version } from "../system/version.ts";
import { printable } from "../text/printable.ts";

export const JOURNAL_SCHEMA = "bridgescope.journal/3";

const word = z.union([z.string(), z.number(), z.boolean()]);

/** The first line: what was asked for, and the document before anything was measured. */
const headSchema = z.object({
  schema: z.literal(JOURNAL_SCHEMA),
  mode: z.enum(["host", "vs", "kernel"]).describe("`bench` alone, with --vs, or with --kernel"),
  plan: z.string().nullable().describe("As named on the command line"),
  request: z
    .record(z.string(), z.union([word, z.array(word)]))
    .describe("Options by their names in the library"),
  steps: z
    .array(z.object({ id: z.string(), rounds: z.int(), durationNs: z.number() }))
    .describe("What the plan came to"),
  run: runSchema,
});

export type JournalHead = z.infer<typeof headSchema>;

/** What a run that was cut off had done. */
export interface StoredJournal {
  path: string;
  head: JournalHead;
  events: RunEvent[];
  /** Bytes of the whole lines: what stands behind them was being written when the run ended. */
  wholeBytes: number;
}

const NAME = "journal.ndjson";

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/** Events that end a piece of work: what is written by then survives a crash of the machine. */
const SYNCED = new Set<RunEvent["act"]>(["check", "read", "read-stage", "session", "end", "boot"]);

const journalPath = (folder: string) => join(folder, NAME);

/** What cannot be written (a full disk) is told once and costs the run nothing but its journal. */
export class Journal {
  readonly path: string;
  readonly #fd: number;
  readonly #warn: (sentence: string) => void;
  #broken = false;

  /** Writes to an open descriptor, which it closes in `close`. */
  constructor(path: string, fd: number, warn: (sentence: string) => void) {
    this.path = path;
    this.#fd = fd;
    this.#warn = warn;
  }

  head(head: Omit<JournalHead, "schema">): void {
    this.#write({ schema: JOURNAL_SCHEMA, ...head });
    this.#sync();
  }

  enter(event: RunEvent): void {
    this.#write(event);
    // Not for every round: the disk would be at work in the next one.
    if (SYNCED.has(event.act)) this.#sync();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(line: object): void {
    this.#unlessBroken(() => {
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    });
  }

  #sync(): void {
    this.#unlessBroken(() => fsyncSync(this.#fd));
  }

  #unlessBroken(write: () => void): void {
    if (this.#broken) return;
    try {
      write();
    } catch (error) {
      this.#broken = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(
        `the journal cannot be written (${reason}): the run goes on, and could not be resumed`,
      );
    }
  }
}

/** A new journal in that folder, which is made where it is missing. One of another run is kept under that run's name. */
export function openJournal(folder: string, warn: (sentence: string) => void): Journal {
  const path = journalPath(folder);
  const [kept, fd] = orSay("opened", () => {
    makeFolder(folder);
    return [setAside(path), opened(path, O_CREAT | O_EXCL)] as const;
  });
  if (kept !== null) {
    warn(
      `${path} of a run that was cut off is now ${kept}: resume that run with \`bench --resume ${kept}\``,
    );
  }
  return new Journal(path, fd, warn);
}

/** Opens the journal of a run that goes on, behind its last whole line. */
export function reopenJournal(
  { path, wholeBytes }: StoredJournal,
  warn: (sentence: string) => void,
): Journal {
  const fd = orSay("opened", () => opened(path, 0));
  ftruncateSync(fd, wholeBytes);
  return new Journal(path, fd, warn);
}

/** Reads the journal at that path, or in that folder; null where there is none. */
export function findJournal(path: string): StoredJournal | null {
  const file = isFolder(path) ? journalPath(path) : path;
  let text: string;
  try {
    text = asCaller(() => readFileSync(file, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${printable(file)} cannot be read: ${reason}`, { cause });
  }
  return readJournal(text, file);
}

/** Reads a journal's text. A last line that was cut off is left out; throws a UsageError for any other fault. */
export function readJournal(text: string, path: string): StoredJournal {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const fault = (line: number, reason: string) =>
    new UsageError(`${printable(path)} is no journal of a run: line ${line}, ${printable(reason)}`);
  const [first, ...rest] = whole
    .split("\n")
    .slice(0, -1)
    .map((line, index) => {
      try {
        return JSON.parse(line) as unknown;
      } catch {
        throw fault(index + 1, "is not JSON");
      }
    });
  const head = headSchema.safeParse(first);
  if (!head.success) throw fault(1, reasonOf(head.error));
  const events = rest.map((value, index) => {
    const event = eventSchema.safeParse(value);
    if (!event.success) throw fault(index + 2, reasonOf(event.error));
    return event.data;
  });
  return { path, head: head.data, events, wholeBytes: Buffer.byteLength(whole) };
}

/**
 * Throws a UsageError where the rest of the run would not be of one piece with what is finished: another version of
 * bridgescope or of the kernel, or a plan that came to other cases than it did.
 */
export function checkResumable(
  { head }: StoredJournal,
  steps: JournalHead["steps"],
  kernel: Run["environment"]["kernel"],
): void {
  const { provenance, environment } = head.run;
  const refuse = (what: string) =>
    new UsageError(`the run ${head.run.id} cannot be resumed: ${printable(what)}`);
  if (provenance.version !== version) {
    throw refuse(`it was begun by bridgescope ${provenance.version}, and this is ${version}`);
  }
  const begun = `Linux ${environment.kernel.release} ${environment.kernel.version}`;
  const here = `Linux ${kernel.release} ${kernel.version}`;
  if (begun !== here) throw refuse(`it was begun on ${begun}, and this is ${here}`);
  if (JSON.stringify(head.steps) !== JSON.stringify(steps)) {
    throw refuse(
      `its plan came to ${head.steps.map(({ id }) => id).join(", ")}, and now comes to something else`,
    );
  }
}

/** Of a run that came to its end. */
export function removeJournal(path: string): void {
  orSay("removed", () => rmSync(path, { force: true }));
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

function reasonOf(error: { issues: { path: PropertyKey[]; message: string }[] }): string {
  const [issue] = error.issues;
  return `${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "not valid"}`;
}
