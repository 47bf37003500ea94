import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { perform, runClock } from "../bench/engine/perform.ts";
import type { Plan } from "../bench/plan/plan.ts";
import { planDocument } from "../bench/plan/plan-document.ts";
import { boots, bootsOf } from "../bench/schedules/boots.ts";
import type { EventOf, RunEvent } from "../document/event.ts";
import type { Run } from "../document/run.ts";
import { readRun } from "../store/runs.ts";
import { BridgescopeError } from "../system/errors.ts";
import { APP } from "./app.ts";
import { type GuestOptions, runGuest } from "./guest.ts";
import { hypervisorVersion } from "./hypervisor.ts";
import type { KernelImage } from "./image.ts";
import { ensureImages } from "./images.ts";
import { mergeBoots } from "./merge.ts";
import { parseKernelSpec } from "./spec.ts";
import { ensureUserland, type Userland } from "./userland.ts";

export interface GuestBench {
  /** As --kernel names them. */
  kernels: readonly string[];
  modules?: string | undefined;
  mirror?: string | undefined;
  /** What each guest runs; its clock is the guest's. */
  plan: Plan;
  seed: number;
  /** Boots of each kernel, each with a seed and a layout of its own; 1 by the wall clock. */
  boots: number;
  smp?: number | undefined;
  /** The document before anything was measured: its id, and the command line that makes this run again. */
  begun: Run;
  /** What an earlier process had done, `resume` the last; empty for a run that begins. */
  events: readonly RunEvent[];
  /** Told each event, a boot that is finished. */
  record(event: RunEvent): void;
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

/** Longest that one boot may take. */
const TIMEOUT_MS = 1_800_000;
const PLAN_FILE = "/plan.json";

/** Runs the same plan on every kernel, as many guests at once as there are cores. */
export async function benchInGuests(request: GuestBench): Promise<GuestBenchResult> {
  const { signal, mirror, plan, seed, boots: each, events } = request;
  const specs = request.kernels.map((kernel) =>
    parseKernelSpec(kernel, request.modules === undefined ? {} : { modules: request.modules }),
  );
  const document = `${JSON.stringify(planDocument(plan, seed))}\n`;
  // What is missing is better said before minutes go into images.
  await hypervisorVersion(signal);
  const common = { signal, ...(mirror === undefined ? {} : { mirror }) };
  const userland = await ensureUserland({
    ...common,
    progress: (what) => request.progress("userland", what),
  });
  const images = await ensureImages(specs, { ...common, progress: request.progress });
  const finished: EventOf<"boot">[] = [];
  let failure: unknown = null;
  await perform(boots(images.length, each, availableParallelism()), {
    earlier: events.filter(
      (event) => event.act !== "boot" || isBoot(event, images, userland, request),
    ),
    act: async (action) => {
      const image = action.act === "boot" ? images[action.kernel] : undefined;
      if (action.act !== "boot" || image === undefined) throw new RangeError("no kernel to boot");
      const { kernel, boot } = action;
      try {
        return {
          act: "boot",
          kernel,
          boot,
          run: await bootOnce(image, userland, boot, document, request),
        };
      } catch (error) {
        failure ??= error;
        if (!signal.aborted && images.length > 1) {
          request.progress(image.spec, "failed; the other kernels go on");
        }
        throw error;
      }
    },
    enter: (event, record) => {
      if (event.act === "boot") finished.push(event);
      if (record) request.record(event);
    },
    signal,
    now: runClock(events),
  });
  const names = distinct(images.map(({ name }) => name));
  const kernels = images.flatMap((image, kernel): KernelRun[] => {
    const booted = bootsOf(finished, kernel).map(({ run }) => run);
    if (booted.length === 0) return [];
    const run = together(booted, image, request);
    if (booted.length < each) run.state = signal.aborted ? "interrupted" : "failed";
    return [{ name: names[kernel] ?? image.name, run }];
  });
  return { kernels, failure: failure ?? (signal.aborted ? signal.reason : null) };
}

/** Whether an earlier boot is what this process would get: of the same image, userland and seed. */
function isBoot(
  { kernel, boot, run: { guest } }: EventOf<"boot">,
  images: readonly KernelImage[],
  userland: Userland,
  { seed }: GuestBench,
): boolean {
  const image = images[kernel];
  return (
    image !== undefined &&
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
  plan: string,
  request: GuestBench,
): Promise<Run> {
  const { signal, smp } = request;
  const label = request.boots === 1 ? image.spec : `${image.spec}, boot ${boot + 1}`;
  const options: GuestOptions = {
    clock: request.plan.clock,
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
      argv: ["node", `${APP}/dist/cli/main.js`, "bench", PLAN_FILE, "--out", "/out"],
      files: [{ text: plan, to: PLAN_FILE }],
      timeoutMs: TIMEOUT_MS,
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
  const merged = request.plan.clock === "wall" ? runs[0] : mergeBoots(runs);
  if (merged?.guest === undefined) throw new RangeError("a kernel without boots");
  const resumedAt = request.events.flatMap((one) => (one.act === "resume" ? [one.time] : []));
  return {
    ...merged,
    // A guest that counts instructions lives in a time of its own.
    id: `${request.begun.id}-${image.name}`,
    startedAt: request.begun.startedAt,
    provenance: {
      ...merged.provenance,
      argv: [...request.begun.provenance.argv],
      seed: request.seed,
      ...(resumedAt.length === 0 ? {} : { resumedAt }),
    },
    guest: { ...merged.guest, boots: runs.flatMap(({ guest }) => guest?.boots ?? []) },
  };
}

/** One and the same kernel twice, or two builds of one release: each has a folder of its own. */
export function distinct(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const before = names.slice(0, index).filter((other) => other === name).length;
    return before === 0 ? name : `${name}-${before + 1}`;
  });
}
