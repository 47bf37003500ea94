import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../system/errors.ts";
import { tryLock } from "../system/libc.ts";
import { CorruptStateError, isLabName, type LabState, parseState } from "./state.ts";
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

const LOCK_STEP_MS = 20;
const MAX_BYTES = 8 * 1024 * 1024;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

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

/** Takes hold of a lab's state as it is; null when there is none (any more). */
export async function takeState(name: string, waitMs: number): Promise<Hold | "busy" | null> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const fd = openState(name);
    if (fd === null) return null;
    let hold: Hold | null = null;
    try {
      const locked = tryLock(fd);
      // Another owner may have written a new file under the name while we waited for the old one.
      if (locked && isCurrent(name, fd)) {
        hold = { fd, state: readOpen(fd, name) };
        return hold;
      }
      if (!locked && Date.now() >= deadline) return "busy";
    } finally {
      if (hold === null) closeSync(fd);
    }
    await sleep(LOCK_STEP_MS);
  }
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

export function readState(name: string): LabState | null {
  const fd = openState(name);
  if (fd === null) return null;
  try {
    return readOpen(fd, name);
  } finally {
    closeSync(fd);
  }
}

function openState(name: string): number | null {
  if (!isLabName(name)) return null;
  checkFolder();
  const file = statePath(name);
  let fd: number;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    const reason = code === "ELOOP" ? "a symbolic link" : `it cannot be opened: ${code}`;
    throw new CorruptStateError(file, reason, { cause });
  }
  const wrong = faultOf(fd);
  if (wrong === null) return fd;
  closeSync(fd);
  throw new CorruptStateError(file, wrong);
}

function faultOf(fd: number): string | null {
  const stat = fstatSync(fd);
  if (!stat.isFile()) return "not a regular file";
  if (stat.uid !== process.geteuid?.()) return "another user's";
  return stat.size > MAX_BYTES ? "too large" : null;
}

function readOpen(fd: number, name: string): LabState {
  return parseState(readFileSync(fd, "utf8"), name, statePath(name));
}

function isCurrent(name: string, fd: number): boolean {
  const held = fstatSync(fd);
  const named = lstatSync(statePath(name), { throwIfNoEntry: false });
  return named !== undefined && named.ino === held.ino && named.dev === held.dev;
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
