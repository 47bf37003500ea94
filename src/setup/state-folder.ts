import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  unlinkSync,
} from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { BridgescopeError } from "../system/errors.ts";
import { makeFolder } from "../system/folders.ts";
import { printable } from "../text/printable.ts";
import { isLabName } from "./lab-name.ts";

const SUFFIX = ".json";

/** $XDG_STATE_HOME/bridgescope/labs; the XDG specification has relative paths ignored. */
function labsFolder(): string {
  const home = process.env.XDG_STATE_HOME;
  const base =
    home !== undefined && path.isAbsolute(home) ? home : path.join(homedir(), ".local", "state");
  return path.join(base, "bridgescope", "labs");
}

export function statePath(name: string): string {
  return path.join(labsFolder(), `${name}${SUFFIX}`);
}

/** A new path for a state that is being written; the pid in it tells gc whose it is. */
export function temporaryPath(name: string, random: string): string {
  return path.join(labsFolder(), `.${name}.${process.pid}-${random}.tmp`);
}

export function createFolder(): void {
  try {
    makeFolder(labsFolder(), 0o700);
  } catch (error) {
    throw unwritable(error);
  }
  checkFolder();
}

/** What decides over removals must not lie where another user can put it. */
export function checkFolder(): void {
  const folder = labsFolder();
  for (const part of [path.dirname(folder), folder]) {
    const stat = lstatSync(part, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (!stat.isDirectory() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0) {
      throw new BridgescopeError(
        `${printable(part)} must be a folder of this user that nobody else can write to, and no symbolic link: move it away, or set XDG_STATE_HOME`,
      );
    }
  }
}

/** Makes a rename, link or removal in the folder last. */
export function syncFolder(): void {
  const fd = openSync(labsFolder(), constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Names of all labs that have a state file, sorted. */
export function stateNames(): string[] {
  return entries()
    .filter((entry) => entry.endsWith(SUFFIX))
    .map((entry) => entry.slice(0, -SUFFIX.length))
    .filter(isLabName)
    .sort();
}

/** Removes half-written files whose writer is gone; they were never anybody's state. */
export function removeStaleTemporaries(): string[] {
  return entries().filter((entry) => {
    const pid = /^\.[a-z][a-z0-9-]*\.(\d+)-[0-9a-f]+\.tmp$/.exec(entry)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) return false;
    unlinkSync(path.join(labsFolder(), entry));
    return true;
  });
}

export function unwritable(cause: unknown): BridgescopeError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const folder = printable(labsFolder());
  return new BridgescopeError(
    `a lab's state is written before the lab is built, and ${folder} does not take it (${code ?? printable(message)}): set XDG_STATE_HOME to a folder that can be written to`,
    1,
    { cause },
  );
}

function entries(): string[] {
  checkFolder();
  try {
    return readdirSync(labsFolder());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
