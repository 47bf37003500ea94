import { inRoot } from "../lib/repository.mjs";

// What the comparison takes from the built program; to be imported once dist is there.
export const { workloadNamed } = await import(inRoot("dist", "bench", "workloads", "index.js"));
export const { quiet } = await import(inRoot("dist", "bench", "load", "quiet.js"));
export const { addressesOf } = await import(inRoot("dist", "bench", "load", "raw-lab.js"));
export const { testFrames } = await import(inRoot("dist", "bench", "load", "frames.js"));
export const { buildPrivateLab } = await import(inRoot("dist", "setup", "lab.js"));
export const { resolveTopology } = await import(inRoot("dist", "setup", "file.js"));
export const { waitUntilReady } = await import(inRoot("dist", "setup", "ready.js"));
export const { median } = await import(inRoot("dist", "stats", "quantile.js"));
export const { ratioOfPairs } = await import(inRoot("dist", "stats", "paired", "ratio.js"));
export const { seededRandom, shuffled } = await import(inRoot("dist", "stats", "random.js"));
export const { loadLive } = await import(inRoot("dist", "live", "program.js"));
export const { chooseBackend } = await import(inRoot("dist", "probes", "backend.js"));
export const { LIVE, WATCH } = await import(inRoot("dist", "probes", "programs.js"));
export const { finish, startChild } = await import(inRoot("dist", "system", "child.js"));
export const { readCounters } = await import(inRoot("dist", "system", "counters.js"));
export const { threadCpus } = await import(inRoot("dist", "system", "libc.js"));
export const { inNamespace } = await import(inRoot("dist", "system", "netns.js"));
export const { hostSite, openPrivateSite } = await import(inRoot("dist", "system", "site.js"));
