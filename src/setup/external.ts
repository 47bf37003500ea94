import { run } from "../system/command.ts";
import { PrerequisiteError, ToolError, UsageError } from "../system/errors.ts";
import { newNamespace, OpenNamespaces } from "../system/netns.ts";
import { patience } from "../system/patience.ts";
import { openPrivateSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { sendTrain } from "./apply.ts";
import { externalSpec } from "./foreign.ts";
import { foreignLab } from "./foreign-lab.ts";
import type { BuiltLab } from "./lab.ts";
import { holdNamespaces, type NamespaceHolder } from "./namespace-holder.ts";
import type { ExternalCommands } from "./spec.ts";

const LIMIT_MS = 60_000;

export interface ConnectOptions {
  signal?: AbortSignal | undefined;
  /** Told, a sentence each, what the end could not do. */
  warn(sentence: string): void;
}

/**
 * Makes two namespaces, has the user's command connect them, and shows that the first reaches the second. Any number
 * may stand at once. The teardown runs when the lab is closed, when this function throws, and when this process dies.
 */
export async function connectExternal(
  commands: ExternalCommands,
  { signal, warn }: ConnectOptions,
): Promise<BuiltLab> {
  signal?.throwIfAborted();
  const { setup, teardown, limitMs = LIMIT_MS } = commands;
  const site = await openPrivateSite();
  const open = new OpenNamespaces(site.netnsFolder);
  let holder: NamespaceHolder | null = null;
  let touched = false;
  const close = async () => {
    if (holder !== null) {
      if (touched && teardown !== null) await tearDown(teardown, holder, limitMs, warn);
      await holder.release();
    }
    open.close();
    await site.close();
  };
  try {
    const ends = [newNamespace("h1"), newNamespace("h2")] as const;
    for (const end of ends) open.add(end);
    site.nameNamespaces(ends);
    for (const { name } of ends) {
      const request = { kind: "set", device: "lo", up: true } as const;
      sendTrain([{ kind: "route", namespace: name, request }], open);
    }
    holder = holdNamespaces(ends, teardown, patience(limitMs));
    const began = process.hrtime.bigint();
    const started = () => {
      touched = true;
    };
    await runCommand("set-up", setup, holder, { limitMs, signal, started });
    const setupNs = Number(process.hrtime.bigint() - began);
    return await foreignLab({
      spec: externalSpec(commands),
      site,
      ends,
      called: ["h1", "h2"],
      setupNs,
      signal,
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}

async function tearDown(
  teardown: readonly string[],
  holder: NamespaceHolder,
  limitMs: number,
  warn: ConnectOptions["warn"],
): Promise<void> {
  try {
    await runCommand("teardown", teardown, holder, { limitMs });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warn(`${reason}; what the set-up command made outside the two namespaces may still be there`);
  }
}

interface CommandBounds {
  limitMs: number;
  signal?: AbortSignal | undefined;
  started?: () => void;
}

/** Runs one of the user's commands, in this process's own namespaces, with the two paths as its last arguments. */
async function runCommand(
  what: "set-up" | "teardown",
  command: readonly string[],
  holder: NamespaceHolder,
  { limitMs, signal, started }: CommandBounds,
): Promise<void> {
  const [file = "", ...args] = command;
  // Also where a whole script is an argument, the error is one line.
  const shown = printable(command.join(" ").replace(/\s+/g, " ")).slice(0, 200);
  const named = `the ${what} command ${shown}`;
  try {
    const { exitCode, stderr } = await run(file, [...args, ...holder.paths], {
      timeoutMs: limitMs,
      signal,
      started: (group) => {
        holder.running(group);
        started?.();
      },
    });
    if (exitCode === 0) return;
    const last = printable(stderr.trim().split("\n").at(-1) ?? "").slice(0, 500);
    throw new ToolError(file, `${named} failed with ${exitCode}: ${last || "it said nothing"}`);
  } catch (error) {
    throw told(error, file, named);
  } finally {
    holder.running(null);
  }
}

/** The same failure with the whole command named. */
function told(error: unknown, file: string, named: string): unknown {
  if (error instanceof PrerequisiteError) {
    return new UsageError(`${named} cannot be run: there is no ${printable(file)}`, {
      cause: error,
    });
  }
  if (!(error instanceof ToolError) || error.message.startsWith(named)) return error;
  const reason = printable(error.message.replace(`${file} `, ""));
  return new ToolError(file, `${named} ${reason}`, { cause: error });
}
