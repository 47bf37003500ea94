import { type Finding, finding } from "./finding.ts";
import { readText } from "./read.ts";
import { compareVersions, parseVersion, type Version } from "./version.ts";

/** Since then BPF memory is charged to the control group (bpf: memcg-based memory accounting). */
const NOT_LIMITED_SINCE: Version = [5, 11, 0];
const ENOUGH_BYTES = 64 * 1024 * 1024;

export async function limitFindings(release: string): Promise<Finding[]> {
  return [memlock(release, parseMemlock((await readText("/proc/self/limits")) ?? ""))];
}

/** The soft limit in bytes, Infinity for `unlimited`; null where the text has none. */
export function parseMemlock(limits: string): number | null {
  const soft = /^Max locked memory +(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return null;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

export function memlock(release: string, bytes: number | null): Finding {
  const id = "limit/memlock";
  const observed = bytes === null ? "unreadable" : show(bytes);
  const version = parseVersion(release);
  if (version !== null && compareVersions(version, NOT_LIMITED_SINCE) >= 0) {
    const meaning = "BPF maps do not count against it since 5.11";
    return finding({ id, status: "ok", observed, meaning });
  }
  const small = bytes !== null && bytes < ENOUGH_BYTES;
  return finding({
    id,
    status: small ? "warning" : "ok",
    observed,
    meaning: small ? "BPF maps count against it and may not fit" : "BPF maps fit",
    remedy: small ? "ulimit -l unlimited" : null,
  });
}

function show(bytes: number): string {
  return Number.isFinite(bytes) ? `${Math.round(bytes / 1024)} KiB` : "unlimited";
}
