/** Nanoseconds of CLOCK_MONOTONIC, the same in all threads. */
export function nowNs(): number {
  return Number(process.hrtime.bigint());
}
