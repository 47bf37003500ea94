import { rmSync } from "node:fs";
import type { Run } from "../document/run.ts";
import { readRun } from "../store/runs.ts";
import { BridgescopeError } from "../system/errors.ts";
import { inParallel } from "../system/parallel.ts";
import { APP } from "./app.ts";
import { type GuestOptions, runGuest } from "./guest.ts";
import { hypervisorVersion } from "./hypervisor.ts";
import type { KernelImage } from "./image.ts";
import { ensureImages } from "./images.ts";
import type { GuestJob } from "./job.ts";
import { mergeBoots } from "./merge.ts";
import { parseKernelSpec } from "./spec.ts";
import { ensureUserland, type Userland } from "./userland.ts";

export interface GuestBench {
  /** As --kernel names them. */
  kernels: readonly string[];
  modules?: string | undefined;
  mirror?: string | undefined;
  clock: "wall" | "icount";
  /** Boots of each kernel, each with a seed and a layout of its own; 1 by the wall clock. */
  boots: number;
  seed: number;
  smp?: number | undefined;
  /** What follows `bench` on the guest's command line: plan, topologies, workloads, rounds. */
  argv: readonly string[];
  /** Files that the command line names, by their path on the host and in the guest. */
  files: NonNullable<GuestJob["files"]>;
  timeoutMs: number;
  /** What the ids of the kernels' runs begin with. */
  id: string;
  startedAt: Date;
  /** The command line that makes this run again. */
  reproduce: readonly string[];
  /** When it was gone on with after it had been cut off. */
  resumedAt: readonly string[];
  /** Documents of boots that an earlier process had finished; those of the same kernel, userland and seed stand. */
  finished: readonly Run[];
  /** Told the document of each boot that is finished. */
  onBoot(run: Run): void;
  signal: AbortSignal;
  progress(kernel: string, what: string): void;
}

export interface KernelRun {
  /** Safe as a folder's name. */
  name: string;
  run: Run;
}

/** `[    1.234567] …`, which may begin in the middle of a line of ours. */
const KERNEL_MESSAGE = /\[ *\d+\.\d{6}\]/;

/** Bytes by which the command line of one boot differs from the next: it moves what lies behind it. */
const PADDING_STEP = 24;

export interface GuestBenchResult {
  /** In the order that was asked for; what some boots of a kernel finished before its end is among them. */
  kernels: KernelRun[];
  /** The first that went wrong, if anything did; the other kernels were measured all the same. */
  failure: unknown;
}

/** Runs the same plan on every kernel, as many guests at once as there are cores. */
export async function benchInGuests(request: GuestBench): Promise<GuestBenchResult> {
  const { signal, mirror } = request;
  const specs = request.kernels.map((kernel) =>
    parseKernelSpec(kernel, request.modules === undefined ? {} : { modules: request.modules }),
  );
  // What is missing is better said before minutes go into images.
  await hypervisorVersion(signal);
  const common = { signal, ...(mirror === undefined ? {} : { mirror }) };
  const userland = await ensureUserland({
    ...common,
    progress: (what) => request.progress("userland", what),
  });
  const images = await ensureImages(specs, { ...common, progress: request.progress });
  const turns = images.flatMap((image, kernel) =>
    Array.from({ length: request.boots }, (_, boot) => ({ image, kernel, boot })),
  );
  const failures = new Map<number, unknown>();
  const finished = [...request.finished];
  const runs = await inParallel(turns, async ({ image, kernel, boot }) => {
    if (failures.has(kernel) || signal.aborted) return null;
    const known = finished.findIndex((run) => isBoot(run, image, userland, boot, request));
    const [before] = known < 0 ? [] : finished.splice(known, 1);
    if (before !== undefined) return before;
    try {
      const run = await bootOnce(image, userland, boot, request);
      request.onBoot(run);
      return run;
    } catch (error) {
      failures.set(kernel, error);
      if (!signal.aborted && images.length > 1) {
        request.progress(image.spec, "failed; the other kernels go on");
      }
      return null;
    }
  });
  const names = unlike(images.map(({ name }) => name));
  const kernels = images.flatMap((image, kernel): KernelRun[] => {
    const booted = turns.flatMap((turn, index) => {
      const found = runs[index];
      return turn.kernel === kernel && found != null ? [found] : [];
    });
    if (booted.length === 0) return [];
    const run = together(booted, image, request);
    if (booted.length < request.boots) run.state = signal.aborted ? "interrupted" : "failed";
    return [{ name: names[kernel] ?? image.name, run }];
  });
  return { kernels, failure: [...failures.values()][0] ?? (signal.aborted ? signal.reason : null) };
}

/** Whether that document is what this boot would give. */
function isBoot(
  { guest }: Run,
  image: KernelImage,
  userland: Userland,
  boot: number,
  { seed }: GuestBench,
): boolean {
  return (
    guest?.kernel.spec === image.spec &&
    guest.kernel.sha256 === image.sha256 &&
    guest.userland === nameOf(userland) &&
    guest.boots[0]?.seed === seed + boot
  );
}

function nameOf({ suite, sha256 }: Userland): string {
  return `${suite} ${sha256}`;
}

async function bootOnce(
  image: KernelImage,
  userland: Userland,
  boot: number,
  request: GuestBench,
): Promise<Run> {
  const { clock, signal, smp } = request;
  const label = request.boots === 1 ? image.spec : `${image.spec}, boot ${boot + 1}`;
  const options: GuestOptions = {
    clock,
    seed: request.seed + boot,
    padding: boot * PADDING_STEP,
    signal,
    smp,
    onLine: (line) => {
      if (!KERNEL_MESSAGE.test(line)) request.progress(label, line);
    },
  };
  const result = await runGuest(
    image,
    userland,
    {
      argv: ["node", `${APP}/dist/cli/main.js`, "bench", ...request.argv, "--out", "/out"],
      env: { BRIDGESCOPE_CLOCK: clock },
      files: request.files,
      timeoutMs: request.timeoutMs,
    },
    options,
  );
  try {
    const { hypervisor, accelerator, smp, memoryMb, seed, padding } = result.facts;
    const { spec, source, sha256, configSha256 } = image;
    // What is added to it here is part of what is sealed in the end.
    const { integrity: _, ...run } = readRun(result.folder);
    return {
      ...run,
      guest: {
        kernel: { spec, source, sha256, configSha256 },
        userland: nameOf(userland),
        ...{ hypervisor, accelerator, smp, memoryMb },
        boots: [{ seed, padding }],
      },
    };
  } catch (cause) {
    const last = result.console.slice(-8).join("\n  ");
    throw new BridgescopeError(
      `${label}: the run in the guest ended with ${result.exitCode} and left no document; it said:\n  ${last}`,
      1,
      { cause },
    );
  } finally {
    rmSync(result.folder, { recursive: true, force: true });
  }
}

function together(runs: readonly Run[], image: KernelImage, request: GuestBench): Run {
  const merged = request.clock === "wall" ? runs[0] : mergeBoots(runs);
  if (merged?.guest === undefined) throw new RangeError("a kernel without boots");
  return {
    ...merged,
    // A guest that counts instructions lives in a time of its own.
    id: `${request.id}-${image.name}`,
    startedAt: request.startedAt.toISOString(),
    provenance: {
      ...merged.provenance,
      argv: [...request.reproduce],
      seed: request.seed,
      ...(request.resumedAt.length === 0 ? {} : { resumedAt: [...request.resumedAt] }),
    },
    guest: { ...merged.guest, boots: runs.flatMap(({ guest }) => guest?.boots ?? []) },
  };
}

/** One and the same kernel twice, or two builds of one release: each has a folder of its own. */
export function unlike(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const before = names.slice(0, index).filter((other) => other === name).length;
    return before === 0 ? name : `${name}-${before + 1}`;
  });
}
