import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { APP } from "../../src/kernels/app.ts";
import {
  ensureImage,
  ensureImages,
  ensureUserland,
  hypervisorVersion,
  parseKernelSpec,
  runGuest,
} from "../../src/kernels/index.ts";
import { BridgescopeError } from "../../src/system/errors.ts";
import { compileSources } from "../compiled.ts";

/** The kernels that this run of the tests is about. */
export const KERNELS = (process.env.BRIDGESCOPE_TEST_KERNELS ?? "debian:bookworm").split(",");

/** Null when guests can be had here, after making what all of them share; else why not, in one sentence. */
export async function whyNoGuests(kernels: readonly string[]): Promise<string | null> {
  const progress = (what: string) => process.stderr.write(`${what}\n`);
  try {
    await hypervisorVersion();
    await ensureUserland({ progress });
    await ensureImages(
      kernels.map((kernel) => parseKernelSpec(kernel)),
      {
        progress: (kernel, what) => progress(`${kernel}: ${what}`),
      },
    );
    return null;
  } catch (error) {
    if (error instanceof BridgescopeError) return error.message;
    throw error;
  }
}

/** It moves under us: what differs there is told, and fails nothing. */
const MOVING = "debian:sid";

/** Before 5.11 modules have no BTF, and fentry attaches to nothing of the bridge's. */
export const WITHOUT_FENTRY = "debian:bullseye";

/** Checks what a guest found; on the kernel that moves a difference is told, with more of it, and not failed. */
export function judgedOn(
  kernel: string,
  skip: (reason: string) => never,
  check: () => void,
  more: readonly string[] = [],
): void {
  try {
    check();
  } catch (error) {
    if (kernel !== MOVING) throw error;
    const said = error instanceof Error ? error.message : String(error);
    for (const one of [`${kernel} differs: ${said}`, ...more]) say(one);
    skip(`${kernel} moves, and what differs there informs only`);
  }
}

/** Past vitest, which would show it with a test's name and only at its end. */
export const say = (text: string) => void process.stdout.write(`${text}\n`);

const TIMEOUT_MS = 1_500_000;

/** Runs a script of this folder in a guest of that kernel, on this checkout's code; what it printed, parsed. */
export async function inGuest<Report>(
  kernel: string,
  script: string,
  request: unknown,
  clock: "wall" | "icount" = "wall",
): Promise<Report> {
  const compiled = compileSources([
    ...["src", "test/model", "test/guest"],
    ...["frames", "explain", "live", "external", "probes"].map(
      (name) => `test/integration/${name}`,
    ),
  ]);
  try {
    const userland = await ensureUserland();
    const image = await ensureImage(parseKernelSpec(kernel));
    const tests = `${APP}/tests`;
    const result = await runGuest(
      image,
      userland,
      {
        argv: ["node", `${tests}/test/guest/${script}.js`, JSON.stringify(request)],
        files: [
          { from: path.join(compiled.folder, "src"), to: `${tests}/src` },
          { from: path.join(compiled.folder, "test"), to: `${tests}/test` },
          { from: path.join(compiled.folder, "package.json"), to: `${tests}/package.json` },
          ...["fast-check", "pure-rand"].map((name) => ({
            from: packageFolder(name),
            to: `${APP}/node_modules/${name}`,
          })),
        ],
        timeoutMs: TIMEOUT_MS,
      },
      { clock, onLine: (line) => process.stderr.write(`${kernel}: ${line}\n`) },
    );
    rmSync(result.folder, { recursive: true, force: true });
    if (result.exitCode !== 0) {
      throw new Error(`ended with ${result.exitCode}:\n${result.console.slice(-30).join("\n")}`);
    }
    return JSON.parse(result.stdout);
  } finally {
    compiled.remove();
  }
}

const require = createRequire(import.meta.url);

function packageFolder(name: string): string {
  return path.dirname(require.resolve(`${name}/package.json`));
}
