import { readFile } from "node:fs/promises";
import path from "node:path";
import { PrerequisiteError, UsageError } from "../system/errors.ts";
import { IDLE_LIMIT_MS, idleTime } from "../system/progress.ts";
import { pickAccelerator, rememberAccelerator } from "./accelerator.ts";
import { withTemporary } from "./cache.ts";
import { type End, explainEnd, openConsole } from "./console.ts";
import { type Hypervisor, hypervisorVersion, startQemu } from "./hypervisor.ts";
import type { KernelImage } from "./image.ts";
import { ABILITIES, type Ability } from "./init.ts";
import { makeInitrd } from "./initrd.ts";
import type { GuestJob } from "./job.ts";
import {
  type Accelerator,
  type Clock,
  checkMachine,
  type Machine,
  QEMU,
  qemuArguments,
} from "./qemu.ts";
import { parseDelivery, unpackDelivery } from "./result.ts";
import { toolMissing } from "./tool.ts";
import type { Userland } from "./userland.ts";

export interface GuestOptions {
  clock: Clock;
  seed?: number | undefined;
  padding?: number | undefined;
  smp?: number | undefined;
  memoryMb?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Each line of the guest's console, safe to print: the kernel, init, and the job's stderr. */
  onLine?: ((line: string) => void) | undefined;
}

export interface GuestResult {
  exitCode: number;
  /** A temporary folder with what lay below /out in the guest; the caller removes it. */
  folder: string;
  /** What the job printed on its standard output. */
  stdout: string;
  console: string[];
  /** What the kernel does not have, though the job did not require it. */
  lacks: Ability[];
  facts: {
    accelerator: Accelerator;
    hypervisor: string;
    smp: number;
    memoryMb: number;
    seed: number;
    padding: number;
  };
}

const DEFAULT_MEMORY_MB = 2048;

/** Emulated, a kernel and its userland of 400 MB are up after 8 s on an idle machine. */
const UP_WITHIN_MS = 180_000;
const LOOK_MS = 500;

/** How many times longer than on a machine of its own the tools in a guest may take: see system/patience.ts. */
const PATIENCE = { icount: 4, tcg: 10, kvm: 1 } as const;

/**
 * Boots the kernel, runs the job, and brings out what it left. A guest that does not get there is a
 * ToolError with its console's last words; a kernel that lacks what the job requires is a
 * PrerequisiteError. Nothing runs on when this returns, nor after SIGKILL.
 */
export async function runGuest(
  image: KernelImage,
  userland: Userland,
  job: GuestJob,
  options: GuestOptions,
): Promise<GuestResult> {
  const { clock, signal } = options;
  const wanted = {
    clock,
    smp: options.smp ?? 1,
    memoryMb: options.memoryMb ?? DEFAULT_MEMORY_MB,
    seed: options.seed ?? 0,
    padding: options.padding ?? 0,
  };
  checkMachine({ ...wanted, accelerator: "tcg" });
  const hypervisor = await hypervisorVersion(signal);
  const accelerator = clock === "icount" ? "tcg" : await pickAccelerator(image, hypervisor, signal);
  const boot = (by: Accelerator) =>
    bootGuest(image, userland, job, { ...wanted, accelerator: by }, hypervisor, options);
  const first = await boot(accelerator);
  if (!("failure" in first)) return first;
  if (accelerator === "tcg" || first.wasUp) throw first.failure;
  // The kernel came up under KVM by itself and does not with a userland: emulation is the safe way.
  await rememberAccelerator(image, hypervisor, "tcg");
  const second = await boot("tcg");
  if ("failure" in second) throw second.failure;
  return second;
}

type Outcome = GuestResult | { failure: Error; wasUp: boolean };

function bootGuest(
  image: KernelImage,
  userland: Userland,
  job: GuestJob,
  machine: Machine,
  hypervisor: string,
  { signal, onLine }: GuestOptions,
): Promise<Outcome> {
  return withTemporary(async (work) => {
    const factor = PATIENCE[machine.clock === "icount" ? "icount" : machine.accelerator];
    const env = { BRIDGESCOPE_PATIENCE: `${factor}`, ...job.env };
    const initrd = await makeInitrd(work, image, userland, job, env);
    requireMemory(machine, initrd.megabytes);
    signal?.throwIfAborted();
    const results = path.join(work, "results");
    const args = qemuArguments(machine, { vmlinuz: image.vmlinuz, initrd: initrd.file, results });
    const guest = openConsole(onLine);
    const qemu = startQemu(args, guest.add, signal);
    const end = await bounded(qemu, guest.isUp, job.timeoutMs);
    signal?.throwIfAborted();
    if (end.code === 127 && guest.lines.length === 0) throw toolMissing(QEMU);
    const delivery = parseDelivery(await readFile(results).catch(() => Buffer.alloc(0)));
    if (delivery === null) {
      return { failure: explainEnd(image.release, guest, end), wasUp: guest.isUp() };
    }
    if (delivery.exitCode === null) throw unfit(image, delivery.lacks, job);
    const { folder, stdout } = await unpackDelivery(delivery.archive, work, signal);
    const { accelerator, smp, memoryMb, seed, padding } = machine;
    return {
      exitCode: delivery.exitCode,
      folder,
      stdout,
      console: guest.lines,
      lacks: delivery.lacks,
      facts: { accelerator, hypervisor, smp, memoryMb, seed, padding },
    };
  });
}

/** Waits for the guest's end, and makes one where it does not come up or does not come to an end. */
async function bounded(qemu: Hypervisor, isUp: () => boolean, timeoutMs: number): Promise<End> {
  let stopped: string | null = null;
  const stop = (why: string) => {
    stopped ??= why;
    qemu.kill();
  };
  const whole = setTimeout(
    () => stop(`had not ended after ${Math.ceil(timeoutMs / 1000)} s and was stopped`),
    timeoutMs,
  );
  const boot = setTimeout(() => {
    if (!isUp()) stop(`had not come up after ${UP_WITHIN_MS / 1000} s and was stopped`);
  }, UP_WITHIN_MS);
  // A kernel that boots is never idle; one that is up may well be.
  const idle = idleTime(qemu.pid);
  const look = setInterval(() => {
    if (isUp() || idle() < IDLE_LIMIT_MS) return;
    stop(`did not boot: ${QEMU} did nothing for ${IDLE_LIMIT_MS / 1000} s and was stopped`);
  }, LOOK_MS);
  try {
    const { code, signal } = await qemu.ended;
    return { stopped, code, signal, complaints: qemu.complaints() };
  } finally {
    clearTimeout(whole);
    clearTimeout(boot);
    clearInterval(look);
  }
}

/** The kernel holds the archive and what it unpacked at the same time. */
function requireMemory({ memoryMb }: Machine, initrdMb: number): void {
  const least = Math.ceil((2 * initrdMb + 200) / 64) * 64;
  if (memoryMb >= least) return;
  throw new UsageError(
    `a guest holds its ${initrdMb} MB of userland in memory, twice while it boots: it needs ${least} MB at least, not ${memoryMb}`,
  );
}

const OPTIONS: Record<Ability, string> = {
  bridge: "no bridge (CONFIG_BRIDGE)",
  veth: "no veth (CONFIG_VETH)",
  btf: "no BTF, /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)",
};

function unfit(image: KernelImage, lacks: readonly Ability[], job: GuestJob): PrerequisiteError {
  const required = job.requires ?? ABILITIES;
  const what = lacks
    .filter((ability) => required.includes(ability))
    .map((ability) => OPTIONS[ability])
    .join(" and ");
  return new PrerequisiteError(
    `this kernel has ${what}: ${image.spec} (${image.release}) has it neither built in nor among the modules that came with it; build it in, or name its modules with --modules`,
  );
}
