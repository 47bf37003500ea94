/** Names of the files of a kernel image in the cache. */
export const VMLINUZ = "vmlinuz";
export const MODULES = "modules.cpio";
export const CONFIG = "config";
