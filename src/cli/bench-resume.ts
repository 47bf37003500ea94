import { findJournal } from "../bench/journal/file.ts";
import type { Resumed } from "../bench/journal/read.ts";
import type { BenchRequest } from "../bench/request.ts";
import { UsageError } from "../system/errors.ts";
import { printable } from "../system/printable.ts";

/** What root would run for the sake of a file: asked for on the command line alone. */
const COMMANDS = ["setup", "teardown", "setupLimit"] as const;

/** Options that may stand beside --resume; all others were said when the run began. */
const BESIDE = new Set<string>(["resume", "json", ...COMMANDS]);

export interface Going {
  planName: string | undefined;
  request: BenchRequest;
  resumed: Resumed;
  /** Of the journal. */
  path: string;
}

/** What the run asked for that is to go on; throws a UsageError where there is none at that path. */
export function goingOn(path: string, options: BenchRequest & { resume?: string }): Going {
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
  const request: BenchRequest = { ...head.request };
  for (const name of COMMANDS) {
    const given = options[name];
    if (given !== undefined) Object.assign(request, { [name]: given });
  }
  return {
    planName: head.plan ?? undefined,
    request: { ...request, seed: head.run.provenance.seed },
    ...found,
  };
}

/** What of a request a journal keeps. */
export function keptOf(request: object): Record<string, string | number | (string | number)[]> {
  return Object.fromEntries(
    Object.entries(request).filter(([name, value]) => {
      const plain = typeof value === "string" || typeof value === "number" || Array.isArray(value);
      return plain && !["out", "json", "resume", ...COMMANDS].includes(name);
    }),
  );
}
