import { BURST, type Counts } from "./frames.ts";
import type { Observation } from "./step.ts";

/** Ports of a large bridge that are named one by one; the rest is summed up. */
export const NAMED_HOSTS = 3;

/** Whether the port should carry the burst. */
export type Carries = (port: string) => boolean;

export function expectedEgress(ports: readonly string[], carries: Carries): string {
  return describe(ports, (port) => (carries(port) ? BURST : 0));
}

/** Holds what left by each port against the ports that should have carried the burst. */
export function judgeEgress(
  ports: readonly string[],
  counts: Counts,
  carries: Carries,
): Observation {
  const left = (port: string) => counts.get(port)?.tx ?? 0;
  const dropped = sum(ports.map((port) => counts.get(port)?.dropped ?? 0));
  const fate = dropped === 0 ? "" : `, ${dropped} of these dropped behind the port`;
  return {
    passed: ports.every((port) => (carries(port) ? isOneBurst(left(port)) : isNoBurst(left(port)))),
    observed: `${describe(ports, left)}${fate}`,
  };
}

/** What the bridge says of itself meanwhile (STP, IGMP, MLD) is told from a burst by its number. */
export function isOneBurst(frames: number): boolean {
  return frames >= BURST && frames < 2 * BURST;
}

function isNoBurst(frames: number): boolean {
  return frames < BURST / 2;
}

/** Stray frames do not change the verdict, but spoil the figures: then it is counted again. */
export async function undisturbed(
  expected: string,
  measure: () => Promise<Observation>,
): Promise<Observation> {
  for (let attempt = 1; ; attempt++) {
    const seen = await measure();
    if (!seen.passed || seen.observed.startsWith(expected)) return seen;
    if (attempt === 3) {
      return { ...seen, observed: `${seen.observed} (a few are strays: the bridge's own or IPv6)` };
    }
  }
}

function describe(ports: readonly string[], count: (port: string) => number): string {
  const named = ports.length <= NAMED_HOSTS + 1 ? ports : ports.slice(0, NAMED_HOSTS);
  const rest = ports.slice(named.length);
  const words = named.map((port) => `${port} ${count(port)}`);
  if (rest.length > 0) words.push(`the other ${rest.length} ports ${sum(rest.map(count))}`);
  return `left by ${words.join(", ")}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
