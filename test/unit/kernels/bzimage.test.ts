import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readRelease } from "../../../src/kernels/bzimage.ts";
import { UsageError } from "../../../src/system/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "bridgescope-bzimage-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Edit = (image: Buffer) => Buffer;

/** A header as Documentation/arch/x86/boot.rst has it, and nothing behind it. */
function bzImage(edit: Edit = (image) => image): string {
  const image = Buffer.alloc(0x1000);
  image.writeUInt8(1, 0x1f1);
  image.writeUInt32LE(0xc0, 0x1f4);
  image.writeUInt16LE(0xaa55, 0x1fe);
  image.write("HdrS", 0x202);
  image.writeUInt16LE(0x020f, 0x206);
  image.writeUInt16LE(0x300, 0x20e);
  image.writeUInt16LE(1, 0x236);
  image.write("6.9.0-rc1+ (me@here) #1 SMP", 0x500);
  const path = join(folder, "bzImage");
  writeFileSync(path, edit(image));
  return path;
}

const elf = (machine: number): Edit => {
  return () => {
    const head = Buffer.alloc(0x1000);
    head.write("\x7fELF", "latin1");
    head.writeUInt16LE(machine, 18);
    return head;
  };
};

const marked =
  (mark: string, at: number): Edit =>
  () => {
    const head = Buffer.alloc(0x1000);
    head.write(mark, at);
    return head;
  };

test("the release is what uname -r will say", async () => {
  expect(await readRelease(bzImage())).toBe("6.9.0-rc1+");
});

test.each<[string, Edit, RegExp]>([
  ["an empty file", () => Buffer.alloc(0), /it is empty/],
  ["a kernel for arm64", marked("ARMd", 56), /it is an arm64 Image/],
  ["a kernel for riscv", marked("RISCV", 48), /it is a riscv Image/],
  ["an ELF file for arm64", elf(183), /it is an ELF file for arm64/],
  ["vmlinux", elf(62), /take arch\/x86\/boot\/bzImage, not vmlinux/],
  [
    "a 32-bit kernel",
    (image) => {
      image.writeUInt16LE(0, 0x236);
      return image;
    },
    /it is a 32-bit kernel/,
  ],
  ["a half copied image", (image) => image.subarray(0, 0xa00), /it is cut off: 2560 bytes of the/],
  [
    "a header that names no release",
    (image) => {
      image.write("<script>", 0x500);
      return image;
    },
    /names no kernel release/,
  ],
])("%s is refused for what it is", async (_what, edit, message) => {
  const path = bzImage(edit);
  await expect(readRelease(path)).rejects.toThrow(UsageError);
  await expect(readRelease(path)).rejects.toThrow(message);
});
