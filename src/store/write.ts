import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Run } from "../document/run.ts";
import { FORMATS, type ReportFormat } from "../report/formats.ts";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { makeFolder } from "../system/folders.ts";
import { asCaller } from "../system/privilege.ts";

/** Where runs go when nothing else is asked: `reports/<run id>` below the working folder. */
export const REPORTS = "reports";

/** Formats that are written beside the document. */
const WRITTEN = ["json", "html", "markdown"];

/** Makes sure that a folder can be written to before anything is measured. */
export function checkFolder(folder: string): void {
  try {
    asCaller(() => {
      makeFolder(folder);
      const probe = join(folder, `.bridgescope-${process.pid}`);
      closeSync(openSync(probe, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
      rmSync(probe);
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `the folder ${folder} cannot be written to (${reason}); choose another with --out`,
      { cause },
    );
  }
}

/** Writes the run and its reports; returns the paths. */
export function writeRun(run: Run, folder: string): string[] {
  return writeReports(
    folder,
    FORMATS.filter((format) => WRITTEN.includes(format.name)),
    run,
  );
}

/** A document in each of these formats; returns the paths. A file that was there is replaced whole or not at all. */
export function writeReports<Document>(
  folder: string,
  formats: readonly ReportFormat<Document>[],
  document: Document,
): string[] {
  const files = formats.map(({ fileName, render }) => ({ fileName, text: render(document) }));
  return asCaller(() =>
    files.map(({ fileName, text }) => {
      const path = join(folder, fileName);
      replaceFile(path, text);
      return path;
    }),
  );
}

/** Points `latest` in the reports folder to the newest run, or says why it cannot be. */
export function pointLatest(folder: string, say: (sentence: string) => void): void {
  const reason = asCaller(() => linkLatest(folder));
  if (reason !== null) {
    say(`${join(REPORTS, "latest")} could not be pointed to this run: ${reason}`);
  }
}

function linkLatest(folder: string): string | null {
  const link = join(dirname(folder), "latest");
  const fresh = `${link}.${process.pid}`;
  try {
    symlinkSync(basename(folder), fresh);
  } catch (error) {
    return String(error);
  }
  try {
    renameSync(fresh, link);
    return null;
  } catch {
    removeIfPossible(fresh);
    return "something else has that name";
  }
}

function replaceFile(path: string, text: string): void {
  const fresh = `${path}.${process.pid}.tmp`;
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  let fd: number | null = null;
  try {
    makeFolder(dirname(path));
    fd = openSync(fresh, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o644);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
    renameSync(fresh, path);
  } catch (cause) {
    // What could not be made is another process's.
    if (fd !== null) removeIfPossible(fresh);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BridgescopeError(
      `${path} could not be written (${reason}); what was there before is untouched`,
      1,
      { cause },
    );
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** What failed before is what a person is to be told. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its folder is another one by now, or no longer ours to write to.
  }
}
