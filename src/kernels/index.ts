export { cacheFolder } from "./cache.ts";
export { type GuestOptions, runGuest } from "./guest.ts";
export { ensureImage, type KernelImage } from "./image.ts";
export { type CachedThing, listCached, removeCached } from "./listing.ts";
export type { EnsureOptions } from "./options.ts";
export { type KernelSpec, parseKernelSpec } from "./spec.ts";
export { ensureUserland } from "./userland.ts";
