import koffi from "koffi";
import { checked, close } from "./libc.ts";

/** What libc does with mounts, in the calling thread's mount namespace. */
const libc = koffi.load("libc.so.6");

const calls = {
  mount: libc.func(
    "int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)",
  ),
  umount2: libc.func("int umount2(const char *target, int flags)"),
  // C libraries know these only since glibc 2.36.
  fsopen: libc.func("syscall", "long", ["long", "str", "unsigned int"]),
  fsconfig: libc.func("syscall", "long", [
    "long",
    "int",
    "unsigned int",
    "const char *",
    "const void *",
    "int",
  ]),
  fsmount: libc.func("syscall", "long", ["long", "int", "unsigned int", "unsigned int"]),
} as const;

export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_SHARED = 1 << 20;

export function mount(source: string, target: string, flags: number): void {
  checked(`mount ${target}`, calls.mount(source, target, "none", flags, null));
}

const MNT_DETACH = 2;

/** Takes a mount out of the tree at once, also while something in it is in use. */
export function detachMount(target: string): void {
  checked(`umount ${target}`, calls.umount2(target, MNT_DETACH));
}

const SYS_FSOPEN = 430;
const SYS_FSCONFIG = 431;
const SYS_FSMOUNT = 432;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/** A new file system of the type, mounted nowhere: it goes with the descriptor of its root. */
export function openFileSystem(type: string): number {
  const context = checked("fsopen", Number(calls.fsopen(SYS_FSOPEN, type, FSOPEN_CLOEXEC)));
  try {
    const create = calls.fsconfig(SYS_FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0);
    checked("fsconfig", Number(create));
    return checked("fsmount", Number(calls.fsmount(SYS_FSMOUNT, context, FSMOUNT_CLOEXEC, 0)));
  } finally {
    close(context);
  }
}
