import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { tryLock } from "../system/libc.ts";
import { isLabName } from "./lab-name.ts";
import { CorruptStateError, type LabState, parseState } from "./state.ts";
import type { Hold } from "./state-files.ts";
import { checkFolder, statePath } from "./state-folder.ts";

const LOCK_STEP_MS = 20;
const MAX_BYTES = 8 * 1024 * 1024;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

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
