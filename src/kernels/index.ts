export { cacheFolder } from "./cache.ts";
export { type GuestOptions, runGuest } from "./guest.ts";
export { hypervisorVersion } from "./hypervisor.ts";
export { ensureImage } from "./image.ts";
export { ensureImages } from "./images.ts";
export { type CachedThing, listCached, removeCached } from "./listing.ts";
export { parseKernelSpec } from "./spec.ts";
export { ensureUserland } from "./userland.ts";
