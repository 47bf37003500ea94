import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { readdir, rename, rm, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { currentOwner, fateOf } from "../setup/ownership.ts";
import { BridgescopeError, PrerequisiteError } from "../system/errors.ts";
import { makeFolder } from "../system/folders.ts";
import { tryLock } from "../system/libc.ts";
import { printable } from "../text/printable.ts";

/**
 * $XDG_CACHE_HOME/bridgescope/kernels holds a folder for each finished thing, `tmp` for what is being
 * made, and `locks`. A thing is made in `tmp` and renamed when it is whole, so no half one is ever seen.
 */
export function cacheFolder(): string {
  const home = process.env.XDG_CACHE_HOME;
  // The XDG specification has relative paths ignored.
  const base = home !== undefined && path.isAbsolute(home) ? home : path.join(homedir(), ".cache");
  return path.join(base, "bridgescope", "kernels");
}

export function pathOf(...parts: string[]): string {
  return path.join(cacheFolder(), ...parts);
}

/** Runs `work` with a folder of its own that is gone afterwards; one that a dead process left goes too. */
export async function withTemporary<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await removeLeftovers();
  const { pid, startTime, bootId } = currentOwner();
  const name = `${pid}.${startTime}.${bootId}.${randomBytes(4).toString("hex")}`;
  const folder = pathOf("tmp", name);
  try {
    makeFolder(folder, 0o700);
    return await work(folder);
  } catch (error) {
    throw sayWhereRoomEnds(error);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

const TEMPORARY = /^(\d+)\.(\d+)\.([0-9a-f-]{36})\.[0-9a-f]{8}$/;

/** Takes away what commands that are dead were making or had unpacked for their guests; the folders that it was in. */
export async function removeLeftovers(): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await namesIn(pathOf("tmp"))) {
    const [, pid, startTime, bootId] = TEMPORARY.exec(name) ?? [];
    if (pid === undefined || startTime === undefined || bootId === undefined) continue;
    const owner = { pid: Number(pid), startTime: Number(startTime), bootId };
    if (fateOf(owner) === "alive") continue;
    await rm(pathOf("tmp", name), { recursive: true, force: true });
    removed.push(pathOf("tmp", name));
  }
  return removed;
}

/** Gives a finished folder its name, unless another process was first; theirs is as good. */
export async function publish(made: string, ...name: string[]): Promise<void> {
  const target = pathOf(...name);
  makeFolder(path.dirname(target), 0o700);
  try {
    await rename(made, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

/** Takes a finished thing away: out of sight first, so that nobody finds a half one. */
export async function discard(...name: string[]): Promise<void> {
  await withTemporary(async (folder) => {
    try {
      await rename(pathOf(...name), path.join(folder, "discarded"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  });
}

export function published(...name: string[]): Promise<string[]> {
  return namesIn(pathOf(...name));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

const LOCK_STEP_MS = 200;

/** Runs `work` while nobody else does so under this name. A lock of a process that died is free. */
export async function withLock<T>(
  name: string,
  options: { signal?: AbortSignal | undefined; waiting?: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const fd = openLock(pathOf("locks", name));
  try {
    while (!tryLock(fd)) {
      options.waiting?.();
      await sleep(LOCK_STEP_MS, undefined, options.signal ? { signal: options.signal } : {});
    }
    return await work();
  } finally {
    closeSync(fd);
  }
}

function openLock(file: string): number {
  try {
    makeFolder(path.dirname(file), 0o700);
    return openSync(file, "a", 0o600);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new BridgescopeError(
      `kernel images are kept in ${printable(cacheFolder())}, and it does not take them (${code ?? printable(message)}): set XDG_CACHE_HOME to a folder that can be written to`,
      1,
      { cause },
    );
  }
}

/** Refuses before anything is fetched where the disk has no room for it. */
export async function requireRoom(megabytes: number, what: string): Promise<void> {
  makeFolder(pathOf("tmp"), 0o700);
  const { bavail, bsize } = await statfs(cacheFolder());
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free >= megabytes) return;
  throw new PrerequisiteError(
    `${what} takes ${megabytes} MB for a while, and ${printable(cacheFolder())} has ${free} MB: make room, or set XDG_CACHE_HOME to another disk`,
  );
}

function sayWhereRoomEnds(error: unknown): unknown {
  const full =
    (error as NodeJS.ErrnoException).code === "ENOSPC" ||
    (error instanceof Error && /no space left on device/i.test(error.message));
  if (!full) return error;
  return new PrerequisiteError(
    `the disk of ${printable(cacheFolder())} is full: make room, or set XDG_CACHE_HOME to another disk`,
    { cause: error },
  );
}
