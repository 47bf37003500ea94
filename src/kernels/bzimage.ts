import { open } from "node:fs/promises";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";

const HEADER_BYTES = 0x10000;

/** The kernel's own words for itself: what `uname -r` will say in a guest that runs this image. */
export async function readRelease(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(Math.min(HEADER_BYTES, size));
    await file.read(head, 0, head.length, 0);
    return parseBzImage(head, size, path);
  } finally {
    await file.close();
  }
}

/** Offsets and meanings are those of Documentation/arch/x86/boot.rst. */
function parseBzImage(head: Buffer, size: number, path: string): string {
  const refuse = (found: string) =>
    new UsageError(`${printable(path)} must be an x86-64 bzImage, but it is ${found}`);
  if (head.length < 0x264 || !isBzImage(head)) throw refuse(whatIs(head));
  const protocol = head.readUInt16LE(0x206);
  if (protocol < 0x020c || (head.readUInt16LE(0x236) & XLF_KERNEL_64) === 0) {
    throw refuse("a 32-bit kernel");
  }
  // A zero stands for four, since the days of boot sectors.
  const setupSectors = head.readUInt8(0x1f1) || 4;
  const expected = (setupSectors + 1) * 512 + head.readUInt32LE(0x1f4) * 16;
  if (size < expected) {
    throw refuse(`cut off: ${size} bytes of the ${expected} that its header names`);
  }
  const at = head.readUInt16LE(0x20e) + 0x200;
  const end = head.indexOf(0, at);
  const release = end > at ? head.toString("latin1", at, end).split(" ")[0] : undefined;
  if (release === undefined || !/^\d[\w.+~-]{0,127}$/.test(release)) {
    throw refuse("one whose header names no kernel release");
  }
  return release;
}

const XLF_KERNEL_64 = 1;

function isBzImage(head: Buffer): boolean {
  return head.readUInt16LE(0x1fe) === 0xaa55 && head.toString("latin1", 0x202, 0x206) === "HdrS";
}

const ELF_MACHINES: Record<number, string> = {
  3: "32-bit x86",
  40: "arm",
  62: "x86-64",
  183: "arm64",
  243: "riscv",
};

/** What a person has probably handed in instead. */
function whatIs(head: Buffer): string {
  if (head.length === 0) return "empty";
  if (head.readUInt8(0) === 0x7f && head.toString("latin1", 1, 4) === "ELF" && head.length > 20) {
    const machine = head.readUInt16LE(18);
    const name = ELF_MACHINES[machine] ?? `machine ${machine}`;
    return machine === 62
      ? `an ELF file for ${name} (of a kernel tree take arch/x86/boot/bzImage, not vmlinux)`
      : `an ELF file for ${name}`;
  }
  if (head.length >= 64 && head.toString("latin1", 56, 60) === "ARMd") return "an arm64 Image";
  if (head.length >= 64 && head.toString("latin1", 48, 53) === "RISCV") return "a riscv Image";
  if (head.readUInt8(0) === 0x1f && head.readUInt8(1) === 0x8b) return "a gzip file";
  if (head.toString("latin1", 0, 2) === "MZ") return "an EFI program without a Linux boot header";
  if (head.length < 0x264) return `a file of ${head.length} bytes`;
  return "something else (no boot sector with HdrS at 0x202)";
}
