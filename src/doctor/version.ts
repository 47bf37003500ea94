export type Version = readonly [major: number, minor: number, patch: number];

/** The first version number in a text: `bpftrace v0.17.0`, `iproute2-6.1.0`, `6.18.44-fc`, `5.10`. */
export function parseVersion(text: string): Version | null {
  const match = /(?<![\d.])(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return null;
  return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** Negative when `a` is older than `b`, 0 when equal, positive when newer. */
export function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

export const showVersion = (version: Version): string => version.join(".");
