import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { UsageError } from "../system/errors.ts";
import { tryLock } from "../system/libc.ts";
import type { LabState } from "./state.ts";
import {
  checkFolder,
  createFolder,
  statePath,
  syncFolder,
  temporaryPath,
  unwritable,
} from "./state-folder.ts";

/**
 * The right to change a lab: its state file, open and locked. Tools that inherit `fd` keep the lock
 * for as long as they run, so whoever gets it knows that nothing of an earlier owner is still at work.
 */
export interface Hold {
  fd: number;
  state: LabState;
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/** Writes the first state of a lab. Of two processes that want the same name, one gets a UsageError. */
export function claimState(state: LabState): Hold {
  createFolder();
  const temporary = writeTemporary(state);
  try {
    linkSync(temporary.path, statePath(state.name));
  } catch (error) {
    closeSync(temporary.fd);
    throw (error as NodeJS.ErrnoException).code === "EEXIST"
      ? nameTaken(state.name)
      : unwritable(error);
  } finally {
    unlinkSync(temporary.path);
  }
  syncFolder();
  return { fd: temporary.fd, state };
}

export function nameTaken(name: string): UsageError {
  return new UsageError(
    `there is a lab "${name}" already: choose another name, or run \`bridgescope lab down ${name}\` first`,
  );
}

/** Replaces the state under the hold; readers see the old file or the new one, whole. */
export function replaceState(hold: Hold, state: LabState): void {
  checkFolder();
  const temporary = writeTemporary(state);
  try {
    renameSync(temporary.path, statePath(state.name));
  } catch (error) {
    closeSync(temporary.fd);
    unlinkSync(temporary.path);
    throw unwritable(error);
  }
  syncFolder();
  closeSync(hold.fd);
  hold.fd = temporary.fd;
  hold.state = state;
}

/** Strikes the lab from the books. */
export function removeState(hold: Hold): void {
  unlinkSync(statePath(hold.state.name));
  syncFolder();
}

export function releaseState(hold: Hold): void {
  closeSync(hold.fd);
}

/** Locked before it can be seen under its final name. */
function writeTemporary(state: LabState): { path: string; fd: number } {
  const file = temporaryPath(state.name, randomBytes(4).toString("hex"));
  let fd: number | undefined;
  try {
    fd = openSync(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    if (!tryLock(fd)) throw new Error("the new file is locked");
    writeFileSync(fd, `${JSON.stringify(state, null, 1)}\n`);
    fsyncSync(fd);
    return { path: file, fd };
  } catch (error) {
    if (fd !== undefined) {
      closeSync(fd);
      unlinkSync(file);
    }
    throw unwritable(error);
  }
}
