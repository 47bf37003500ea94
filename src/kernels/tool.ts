import { type CommandResult, run } from "../system/command.ts";
import { PrerequisiteError } from "../system/errors.ts";

export interface ToolOptions {
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  /** Folder to run in. */
  cwd?: string;
  env?: Record<string, string>;
}

/** Debian's package of each tool that guests and their images take. */
const PACKAGES: Record<string, string> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "apt-get": "apt",
  "apt-config": "apt",
  "dpkg-deb": "dpkg",
  modinfo: "kmod",
  depmod: "kmod",
};

/** Runs a tool that dies with us, whatever ends us. */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<CommandResult> {
  const place = options.cwd === undefined ? [] : ["env", "-C", options.cwd];
  try {
    return await run("setpriv", ["--pdeathsig", "KILL", "--", ...place, tool, ...args], {
      tool,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      env: { ...options.env, PATH: searchPath() },
    });
  } catch (error) {
    if (error instanceof PrerequisiteError) throw toolMissing(tool, error);
    throw error;
  }
}

/** kmod's tools lie where only root's PATH leads. */
export function searchPath(): string {
  return `${process.env.PATH ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;
}

export function toolMissing(tool: string, cause?: unknown): PrerequisiteError {
  const name = PACKAGES[tool] ?? tool;
  return new PrerequisiteError(
    `${tool} is not installed or not on PATH, and guest kernels need it: apt-get install ${name}`,
    { cause },
  );
}
