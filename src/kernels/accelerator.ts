import { constants } from "node:fs";
import { access, readFile, rename, writeFile } from "node:fs/promises";
import { cpus, release } from "node:os";
import path from "node:path";
import { makeFolder } from "../system/folders.ts";
import { pathOf, withTemporary } from "./cache.ts";
import { startQemu } from "./hypervisor.ts";
import type { KernelImage } from "./image.ts";
import { digest } from "./manifest.ts";
import { type Accelerator, qemuArguments } from "./qemu.ts";

// A kernel under KVM speaks within a tenth of a second and looks for its root within three.
const FIRST_WORD_MS = 5_000;
const WHOLE_MS = 30_000;

/**
 * KVM where this kernel really boots under it: a /dev/kvm that opens proves nothing inside a virtual
 * machine. Tried once for each kernel, qemu and host, and remembered.
 */
export async function pickAccelerator(
  image: KernelImage,
  hypervisor: string,
  signal?: AbortSignal,
): Promise<Accelerator> {
  if (!(await kvmOpens())) return "tcg";
  const known = await remembered(image, hypervisor);
  if (known !== null) return known;
  const found = (await bootsUnderKvm(image, signal)) ? "kvm" : "tcg";
  signal?.throwIfAborted();
  await rememberAccelerator(image, hypervisor, found);
  return found;
}

export async function rememberAccelerator(
  image: KernelImage,
  hypervisor: string,
  accelerator: Accelerator,
): Promise<void> {
  await withTemporary(async (folder) => {
    const note = path.join(folder, "note");
    await writeFile(note, `${accelerator}\n`);
    makeFolder(pathOf("accelerators"), 0o700);
    await rename(note, notePath(image, hypervisor));
  });
}

async function remembered(image: KernelImage, hypervisor: string): Promise<Accelerator | null> {
  const note = await readFile(notePath(image, hypervisor), "utf8").catch(() => "");
  return note === "kvm\n" ? "kvm" : note === "tcg\n" ? "tcg" : null;
}

function notePath(image: KernelImage, hypervisor: string): string {
  const host = [release(), cpus()[0]?.model ?? ""];
  return pathOf("accelerators", digest([image.sha256, hypervisor, ...host]).slice(0, 24));
}

async function kvmOpens(): Promise<boolean> {
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The kernel alone, without a userland: it has come up when it misses its root file system. */
async function bootsUnderKvm(image: KernelImage, signal?: AbortSignal): Promise<boolean> {
  const machine = { smp: 1, memoryMb: 512, seed: 0, padding: 0 } as const;
  const args = qemuArguments(
    { clock: "wall", accelerator: "kvm", ...machine },
    { vmlinuz: image.vmlinuz, initrd: null, results: null },
  );
  let up = false;
  let heard = false;
  const qemu = startQemu(
    args,
    (line) => {
      heard = true;
      up ||= /Unable to mount root fs|No working init found|VFS: Cannot open root/.test(line);
    },
    signal,
  );
  const early = setTimeout(() => {
    if (!heard) qemu.kill();
  }, FIRST_WORD_MS);
  const late = setTimeout(() => qemu.kill(), WHOLE_MS);
  await qemu.ended;
  clearTimeout(early);
  clearTimeout(late);
  return up;
}
