import { accessSync, constants, cpSync, rmSync } from "node:fs";
import { Command, Option } from "commander";
import {
  type CachedThing,
  cacheFolder,
  ensureImage,
  ensureImages,
  ensureUserland,
  type GuestOptions,
  hypervisorVersion,
  listCached,
  parseKernelSpec,
  removeCached,
  runGuest,
} from "../kernels/index.ts";
import { UsageError } from "../system/errors.ts";
import { makeFolder } from "../system/folders.ts";
import { asCaller, giveToCaller } from "../system/privilege.ts";
import { parseDuration } from "../text/duration.ts";
import { printable } from "../text/printable.ts";
import { onInterrupt } from "./interrupt.ts";
import { progressLine } from "./progress.ts";

interface Json {
  json?: boolean;
}

interface PullOptions extends Json {
  mirror?: string;
  modules?: string;
  refresh?: boolean;
}

interface RunOptions {
  clock: GuestOptions["clock"];
  mirror?: string;
  modules?: string;
  out?: string;
  memory?: string;
  smp?: string;
  seed?: string;
  timeout: string;
}

const SPEC = "debian:bullseye|bookworm|trixie|sid, a bzImage, or a kernel source tree";

export function kernelsCommand(): Command {
  // Positional: what stands behind `run SPEC --` is the guest's, options included.
  const kernels = new Command("kernels")
    .description("guest kernels: images, and commands run on them under qemu")
    .enablePositionalOptions();
  kernels
    .command("list")
    .description("list what is in the cache, and the suites that are not")
    .option("--json", "print the list as JSON")
    .action(list);
  kernels
    .command("pull")
    .description("make the guests' userland and the images of kernels ready")
    .argument("<spec...>", SPEC)
    .option("--mirror <url>", "Debian archive to fetch from (default: the machine's own)")
    .option(
      "--modules <folder>",
      "modules of a bzImage: lib/modules/<release>, or where they were installed",
    )
    .option("--refresh", "ask the mirror for newer packages")
    .option("--json", "print the images as JSON")
    .action(pull);
  kernels
    .command("run")
    .description("run a command on a kernel, and end with its exit status")
    .usage("[options] <spec> -- <command...>")
    .argument("<spec>", SPEC)
    .argument("<command...>", "the command and its arguments, in the guest")
    .addOption(
      new Option("--clock <clock>", "real or counted time")
        .choices(["wall", "icount"])
        .default("wall"),
    )
    .option("--mirror <url>", "Debian archive to fetch from (default: the machine's own)")
    .option(
      "--modules <folder>",
      "modules of a bzImage: lib/modules/<release>, or where they were installed",
    )
    .option("--out <folder>", "where what the command leaves in /out goes")
    .option("--memory <MB>", "memory of the guest")
    .option("--smp <n>", "CPUs of the guest")
    .option("--seed <n>", "of qemu's random numbers")
    .option("--timeout <time>", "longest the guest may take: 90s, 10m", "60m")
    .passThroughOptions()
    .action(run);
  kernels
    .command("rm")
    .description("remove images from the cache")
    .argument("[specs...]", "as `kernels list` shows them; userland too")
    .option("--all", "everything that the cache holds")
    .option("--json", "print what was removed as JSON")
    .action(remove);
  return kernels;
}

async function list(options: Json): Promise<void> {
  const { cached, available } = await listCached();
  const document = {
    schema: "bridgescope.kernels.list/1",
    folder: cacheFolder(),
    cached,
    available,
  };
  print(options, document, () =>
    [
      ...cached.map(asLine),
      ...available.map(
        (spec) => `${spec.padEnd(18)}not in the cache: bridgescope kernels pull ${spec}\n`,
      ),
    ].join(""),
  );
}

async function pull(texts: string[], options: PullOptions): Promise<void> {
  const given = options.modules === undefined ? {} : { modules: options.modules };
  const specs = [...new Set(texts)].map((text) => parseKernelSpec(text, given));
  const images = await interruptible(`pulling ${texts.join(", ")}`, async (ensure) => {
    await ensureUserland({ ...ensure, mirror: options.mirror, refresh: options.refresh });
    return ensureImages(specs, {
      ...ensure,
      mirror: options.mirror,
      refresh: options.refresh,
      progress: (kernel, what) => ensure.progress?.(`${kernel}: ${what}`),
    });
  });
  if (images === null) return;
  print(options, { schema: "bridgescope.kernels.pull/1", images }, () =>
    images.map(({ spec, release, source }) => printLine([spec, release, source])).join(""),
  );
}

async function run(text: string, command: string[], options: RunOptions): Promise<void> {
  const argv = command[0] === "--" ? command.slice(1) : command;
  if (argv.length === 0) throw new UsageError("kernels run expects a command behind the spec");
  const timeoutNs = parseDuration(options.timeout);
  if (timeoutNs === null || timeoutNs === 0) {
    throw new UsageError(
      `--timeout expects a time as 90s or 10m, not "${printable(options.timeout)}"`,
    );
  }
  const machine = {
    clock: options.clock,
    memoryMb: wholeNumber("--memory", options.memory),
    smp: wholeNumber("--smp", options.smp),
    seed: wholeNumber("--seed", options.seed),
  };
  const spec = parseKernelSpec(
    text,
    options.modules === undefined ? {} : { modules: options.modules },
  );
  if (options.out !== undefined) checkOut(options.out);
  const result = await interruptible(`running on ${text}`, async (ensure, said) => {
    // The kernel before the userland, qemu before both: what is wrong is said before it takes minutes.
    await hypervisorVersion(ensure.signal);
    const image = await ensureImage(spec, { ...ensure, mirror: options.mirror });
    const userland = await ensureUserland({ ...ensure, mirror: options.mirror });
    said();
    const job = { argv, timeoutMs: timeoutNs / 1e6, requires: [] };
    return runGuest(image, userland, job, { ...machine, signal: ensure.signal, onLine: say });
  });
  if (result === null) return;
  try {
    const { out } = options;
    if (out !== undefined) {
      giveToCaller(result.folder);
      asCaller(() => cpSync(result.folder, out, { recursive: true }));
    }
  } finally {
    rmSync(result.folder, { recursive: true, force: true });
  }
  process.stdout.write(result.stdout);
  process.exitCode = result.exitCode;
}

async function remove(words: string[], options: Json & { all?: boolean }): Promise<void> {
  if ((words.length === 0) === !options.all) {
    throw new UsageError("kernels rm expects specs as `kernels list` shows them, or --all");
  }
  const removed = await removeCached(options.all ? null : words);
  print(options, { schema: "bridgescope.kernels.rm/1", removed }, () =>
    removed.map((thing) => `removed ${asLine(thing)}`).join(""),
  );
}

/** Null when a signal ended it; nothing half-made is left then. */
async function interruptible<T>(
  head: string,
  work: (
    ensure: { signal: AbortSignal; progress: (what: string) => void },
    said: () => void,
  ) => Promise<T>,
): Promise<T | null> {
  const line = progressLine();
  const interruption = onInterrupt(() => {
    line.end();
    say("interrupted: ending what was started");
  });
  try {
    const progress = (what: string) => line.update(head, what);
    return await work({ signal: interruption.signal, progress }, () => line.end());
  } catch (error) {
    const code = interruption.exitCode();
    if (code === null) throw error;
    process.exitCode = code;
    return null;
  } finally {
    line.end();
    interruption.release();
  }
}

function checkOut(folder: string): void {
  try {
    asCaller(() => {
      makeFolder(folder);
      accessSync(folder, constants.W_OK);
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(
      `--out expects a folder that can be written to, and ${printable(folder)} is none (${code})`,
      {
        cause,
      },
    );
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${option} expects a whole number, not "${printable(text)}"`);
}

function asLine(thing: CachedThing): string {
  const size = `${Math.ceil(thing.bytes / 1e6)} MB`;
  return printLine([thing.spec, thing.release, thing.source, size, thing.made]);
}

const WIDTHS = [18, 30, 60, 8] as const;

function printLine(words: readonly string[]): string {
  const cells = words.map((word, index) => printable(word).padEnd(WIDTHS[index] ?? 0));
  return `${cells.join(" ").trimEnd()}\n`;
}

function print(options: Json, document: object, text: () => string): void {
  process.stdout.write(options.json ? `${JSON.stringify(document, null, 2)}\n` : text());
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
