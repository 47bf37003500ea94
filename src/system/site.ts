import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { printable } from "../text/printable.ts";
import { type CommandOptions, type CommandResult, run, runOk } from "./command.ts";
import { HangError, PrerequisiteError } from "./errors.ts";
import type { NetworkNamespace } from "./netns.ts";
import { linkNames, mountNames } from "./netns-names.ts";
import { patience } from "./patience.ts";
import { killGroup } from "./process-group.ts";

/**
 * Where network namespaces get their names.
 *
 * The host site is the host's own /run/netns. A private site is a mount namespace of ours with a
 * /run and a tracefs of its own: `ip netns add A` works as ever, the host's list stays empty, and
 * everything named there goes when we go, SIGKILL included.
 */
export interface Site {
  readonly kind: "host" | "private";
  /** Where this process sees the root of the site's mounts; empty for the host itself. */
  readonly root: string;
  /** The path under which this process sees the site's /run/netns. */
  readonly netnsFolder: string;
  /** The command line that runs `file` inside the site, in `namespace` when one is given. */
  command(file: string, args: readonly string[], namespace?: string): [string, string[]];
  /** Gives namespaces their names here. In a private site they are to be held open as long as it is. */
  nameNamespaces(namespaces: readonly NetworkNamespace[]): void;
  run(file: string, args: readonly string[], options?: SiteOptions): Promise<CommandResult>;
  runOk(file: string, args: readonly string[], options?: SiteOptions): Promise<string>;
  close(): Promise<void>;
}

export interface SiteOptions extends CommandOptions {
  /** Name of the network namespace to run in; ours when absent. */
  namespace?: string | undefined;
}

function site(
  kind: Site["kind"],
  root: string,
  mountNamespace: string | null,
  close: () => Promise<void>,
): Site {
  const netnsFolder = `${root}/run/netns`;
  const command: Site["command"] = (file, args, namespace) => {
    const enter = [
      ...(mountNamespace === null ? [] : [`--mount=${mountNamespace}`]),
      ...(namespace === undefined ? [] : [`--net=${netnsFolder}/${namespace}`]),
    ];
    return enter.length === 0 ? [file, [...args]] : ["nsenter", [...enter, "--", file, ...args]];
  };
  return {
    kind,
    root,
    netnsFolder,
    command,
    nameNamespaces: (namespaces) =>
      (kind === "host" ? mountNames : linkNames)(netnsFolder, namespaces),
    run: (file, args, options) =>
      run(...command(file, args, options?.namespace), { ...options, tool: file }),
    runOk: (file, args, options) =>
      runOk(...command(file, args, options?.namespace), { ...options, tool: file }),
    close,
  };
}

export const hostSite: Site = site("host", "", null, async () => {});

const ENTER = `set -e
mount -t tmpfs -o mode=755,size=16m bridgescope /run
mkdir /run/netns /run/lock
[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
grep -q ' /sys/kernel/debug debugfs' /proc/self/mounts || mount -t debugfs debugfs /sys/kernel/debug || true
echo ready
exec cat`;

const READY_TIMEOUT_MS = patience(5_000);

/** Makes a private site. Its holder process ends with us: by its standard input, or by its death signal. */
export async function openPrivateSite(): Promise<Site> {
  const holder = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "slave", "sh", "-c", ENTER],
    { stdio: ["pipe", "pipe", "pipe"], detached: true, env: { ...process.env, LC_ALL: "C" } },
  );
  // What it has started would hold its pipes open, and us with them.
  holder.once("exit", () => killGroup(holder.pid));
  const pid = await ready(holder);
  const close = async () => {
    if (holder.exitCode !== null || holder.signalCode !== null) return;
    holder.ref();
    const ended = once(holder, "exit");
    holder.kill("SIGKILL");
    await ended;
  };
  return site("private", `/proc/${pid}/root`, `/proc/${pid}/ns/mnt`, close);
}

function ready(holder: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => {
      holder.kill("SIGKILL");
      const seconds = READY_TIMEOUT_MS / 1000;
      const sentence = `setpriv and unshare made no mount namespace within ${seconds} s`;
      reject(new HangError("unshare", sentence));
    }, READY_TIMEOUT_MS);
    holder.stderr?.on("data", (data) => {
      said += String(data);
    });
    holder.stdout?.once("data", () => {
      clearTimeout(timer);
      // The holder must not keep our event loop alive; its own life hangs on ours.
      holder.unref();
      for (const stream of [holder.stdin, holder.stdout, holder.stderr]) {
        if (stream instanceof Socket) stream.unref();
      }
      resolve(holder.pid ?? 0);
    });
    holder.once("error", (cause) => {
      clearTimeout(timer);
      reject(new PrerequisiteError("setpriv (package util-linux) could not be started", { cause }));
    });
    holder.once("exit", () => {
      clearTimeout(timer);
      const reason = printable(said.trim()) || "no reason given";
      reject(
        new PrerequisiteError(
          `a private mount namespace could not be made (${reason}); it takes CAP_SYS_ADMIN and tracefs: run as root`,
        ),
      );
    });
  });
}
