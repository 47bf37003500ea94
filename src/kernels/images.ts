import { availableParallelism } from "node:os";
import { ensureImage, type KernelImage } from "./image.ts";
import type { EnsureOptions } from "./options.ts";
import type { KernelSpec } from "./spec.ts";

/** Several images, as many at once as there are cores; the first that fails ends the others. */
export async function ensureImages(
  specs: readonly KernelSpec[],
  options: Omit<EnsureOptions, "progress"> & {
    progress?: ((kernel: string, what: string) => void) | undefined;
  } = {},
): Promise<KernelImage[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const images: KernelImage[] = [];
  const open = [...specs.entries()];
  const work = async () => {
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const [index, spec] = next;
      const progress = (what: string) => options.progress?.(spec.text, what);
      images[index] = await ensureImage(spec, { ...options, signal, progress });
    }
  };
  const width = Math.min(specs.length, availableParallelism());
  await Promise.all(
    Array.from({ length: width }, () => work().catch((error: unknown) => failed.abort(error))),
  );
  options.signal?.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return images;
}
