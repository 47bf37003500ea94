/** Runs that were stored: one by its path, or all of a folder or a pattern. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { globSync, isDynamicPattern } from "tinyglobby";
import { RUN_SCHEMA, type Run, runSchema } from "../document/run.ts";
import type { RunSet } from "../stats/compare/runs.ts";
import { UsageError } from "../system/errors.ts";
import { isFolder } from "../system/folders.ts";

const DOCUMENT = "run.json";

/** Reads a run document: a run.json, or the folder that holds one. Throws a UsageError that names the file and what is wrong. */
export function readRun(path: string): Run {
  const file = documentAt(path);
  if (file === null) {
    throw new UsageError(`no run at ${path}: expected a run.json or a folder that holds one`);
  }
  return parseRun(textOf(file), file);
}

/** Reads the text of a run document; throws a UsageError that names the file and what is wrong. */
export function parseRun(text: string, file: string): Run {
  return checked(file, parsed(file, text));
}

/**
 * The runs of one side of a comparison: a run document, a folder with one, a folder whose folders hold one each, or a
 * pattern (`nightly/*`). They have to be of one kernel and one clock. Throws a UsageError otherwise.
 */
export function readRuns(path: string): RunSet {
  const files = new Set(documentsAt(path).map((file) => realpathSync(file)));
  const runs = [...files].toSorted().map((file) => ({ file, run: parseRun(textOf(file), file) }));
  const [first, ...others] = runs;
  if (first === undefined) {
    throw new UsageError(
      `no run at ${path}: expected a run.json, a folder with one, a folder of such folders, or a pattern in quotes`,
    );
  }
  const twice = others.find(({ run }, index) =>
    runs.slice(0, index + 1).some((one) => one.run.id === run.id),
  );
  if (twice !== undefined) {
    throw new UsageError(`${path} holds two documents of the run ${twice.run.id}; leave one out`);
  }
  const alien = others.find(({ run }) => kindOf(run) !== kindOf(first.run));
  if (alien !== undefined) {
    throw new UsageError(
      `${path} holds runs of different kinds, which are no one side of a comparison: ${kindOf(first.run)} (${first.file}), and ${kindOf(alien.run)} (${alien.file})`,
    );
  }
  return { label: path, runs: runs.map(({ run }) => run) };
}

function kindOf({ environment: { kernel, clock }, guest, pairing }: Run): string {
  const side = pairing === undefined ? "" : `, ${pairing.side} of bench --vs`;
  return `Linux ${kernel.release} ${kernel.version}, ${guest === undefined ? "host" : `guest ${guest.kernel.spec} under ${guest.accelerator}`}, clock ${clock}${side}`;
}

function documentsAt(path: string): string[] {
  const file = documentAt(path);
  if (file !== null) return [file];
  if (isFolder(path)) return found(`${escaped(path)}/*/${DOCUMENT}`);
  if (!isDynamicPattern(path)) return [];
  return found(path).flatMap((one) => documentAt(one) ?? []);
}

function found(pattern: string): string[] {
  return globSync(pattern, { onlyFiles: false, expandDirectories: false, dot: true });
}

/** A name that is no pattern. */
function escaped(path: string): string {
  return path.replace(/\/+$/, "").replace(/[$^*+?()[\]{}!|@\\]/g, "\\$&");
}

function documentAt(path: string): string | null {
  if (isFile(path)) return path;
  const inside = join(path, DOCUMENT);
  return isFile(inside) ? inside : null;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${file} cannot be read: ${reason}`, { cause });
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const end = text.trimEnd().endsWith("}") ? "" : "; it ends in the middle, so it may be cut off";
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${file} is not JSON: is it a whole run.json? (${reason}${end})`, {
      cause,
    });
  }
}

function checked(file: string, document: unknown): Run {
  const schema =
    typeof document === "object" && document !== null && "schema" in document
      ? document.schema
      : undefined;
  if (schema !== RUN_SCHEMA && typeof schema === "string") {
    throw new UsageError(
      `${file} is a document of ${JSON.stringify(schema)}, and this version reads ${RUN_SCHEMA}: measure it again, or read it with the version that wrote it`,
    );
  }
  const { success, data, error } = runSchema.safeParse(document);
  if (!success) {
    const [issue] = error.issues;
    const at = issue?.path.join(".") || "its top";
    throw new UsageError(`${file} is no run document of this version: at ${at}, ${issue?.message}`);
  }
  const ids = data.cases.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) < index);
  if (twice !== undefined) {
    throw new UsageError(`${file} has the case ${twice} twice: it was edited, or put together`);
  }
  return data;
}
