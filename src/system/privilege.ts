/**
 * Whose files root writes, and what is left of root when nothing needs it any more.
 *
 * Behind sudo a file is the caller's: it is made with the caller's rights over files, so that no link that stands in
 * the way leads anywhere the caller could not have written, and it is theirs to remove.
 */
import { lchownSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { checked, libc } from "./libc.ts";

const calls = {
  // Both act on the calling thread alone, and only on its rights over files.
  setfsuid: libc.func("int setfsuid(uint32_t uid)"),
  setfsgid: libc.func("int setfsgid(uint32_t gid)"),
  capset: libc.func("int capset(const void *header, const void *data)"),
  prctl: libc.func(
    "int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)",
  ),
} as const;

interface Caller {
  uid: number;
  gid: number;
}

/** Who stands behind sudo; null for root itself and for a process that is not root. */
function callerBehindSudo(): Caller | null {
  if (process.geteuid?.() !== 0) return null;
  const [uid, gid] = [process.env.SUDO_UID, process.env.SUDO_GID].map((text = "") =>
    /^\d{1,10}$/.test(text) ? Number(text) : 0,
  );
  return uid && gid ? { uid, gid } : null;
}

/** Does work on files with the rights that the caller behind sudo has over them, or simply does it. Synchronous work only. */
export function asCaller<Result>(work: () => Result): Result {
  const caller = callerBehindSudo();
  if (caller === null) return work();
  const groups = process.getgroups?.() ?? [];
  joinGroupsOf(caller);
  calls.setfsgid(caller.gid);
  calls.setfsuid(caller.uid);
  try {
    return work();
  } finally {
    calls.setfsuid(0);
    calls.setfsgid(0);
    process.setgroups?.(groups);
  }
}

/** Makes the caller behind sudo the owner of all that stands in a folder which nobody else can reach. */
export function giveToCaller(folder: string): void {
  const caller = callerBehindSudo();
  if (caller === null) return;
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    lchownSync(path.join(folder, entry), caller.uid, caller.gid);
  }
  lchownSync(folder, caller.uid, caller.gid);
}

/** From include/uapi/linux/capability.h: to read and write files whoever owns them. */
const CAP_DAC_OVERRIDE = 1;
const CAPABILITY_VERSION_3 = 0x20080522;
const PR_SET_NO_NEW_PRIVS = 38;

/**
 * Gives up for good what only labs and probes need; for what comes after them, and for commands that only read and
 * write documents. Behind sudo the process becomes the caller's. Root without sudo keeps nothing but its rights over
 * files: in a container they are what lets it write into a workspace of somebody else's. Called by the main thread,
 * before it has any work under way in others.
 */
export function dropPrivileges(): void {
  if (process.geteuid?.() !== 0) return;
  const caller = callerBehindSudo();
  checked("prctl", calls.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  if (caller === null) {
    keepOnly(CAP_DAC_OVERRIDE);
    return;
  }
  joinGroupsOf(caller);
  process.setgid?.(caller.gid);
  process.setuid?.(caller.uid);
}

function keepOnly(capability: number): void {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(CAPABILITY_VERSION_3, 0);
  // Effective, permitted and inheritable of capabilities 0 to 31, then of 32 to 63. Who has not all of root's keeps less.
  const kept = (1 << capability) & Number(permitted() & 0xffffffffn);
  const data = Buffer.alloc(24);
  data.writeUInt32LE(kept, 0);
  data.writeUInt32LE(kept, 4);
  checked("capset", calls.capset(header, data));
}

function permitted(): bigint {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  return BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
}

/** Node has it, and its types do not. */
type WithInitgroups = NodeJS.Process & { initgroups(user: number, group: number): void };

/** Who is in no database has no further groups. */
function joinGroupsOf({ uid, gid }: Caller): void {
  try {
    (process as WithInitgroups).initgroups(uid, gid);
  } catch {
    process.setgroups?.([gid]);
  }
}
