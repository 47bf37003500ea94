/**
 * How many times longer than usual tools may take: 1 on a real machine. A guest whose processor is
 * emulated is told a larger number by those who boot it.
 */
const FACTOR = Math.max(1, Number(process.env.BRIDGESCOPE_PATIENCE) || 1);

/** A time-out, in milliseconds, as long as this machine deserves. */
export function patience(milliseconds: number): number {
  return milliseconds * FACTOR;
}
