import { inParallel } from "../system/parallel.ts";
import { ensureImage, type KernelImage } from "./image.ts";
import type { EnsureOptions } from "./options.ts";
import type { KernelSpec } from "./spec.ts";

/** Several images, as many at once as there are cores; the first that fails ends the others. */
export function ensureImages(
  specs: readonly KernelSpec[],
  options: Omit<EnsureOptions, "progress"> & {
    progress?: ((kernel: string, what: string) => void) | undefined;
  } = {},
): Promise<KernelImage[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  return inParallel(specs, async (spec) => {
    const progress = (what: string) => options.progress?.(spec.text, what);
    return ensureImage(spec, { ...options, signal, progress }).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  });
}
