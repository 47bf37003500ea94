import { PORTS_BY_NAME } from "../probes/programs.ts";
import type { PlannedCase } from "./plan.ts";

/** Of a round at one port, over all stages: four times the most that was seen on a busy host, 128. */
const BUCKETS = 512;
/** Rounds in which probes count besides the measured ones: before the first, and the one for what observing costs. */
export const OTHER_ROUNDS = 2;
/** @in, @left, @up and @drops have a key for a port and a class or reason. */
const PORT_KEYS = 16;
/** Frames on their way between two probes: net.core.netdev_max_backlog of a few CPUs. */
const LEAST = 4096;
const MOST = 65_536;

/**
 * Keys that every map of a case's program may have: the kernel makes room for all of them at once, in
 * each of some twenty maps, so too many cost memory and seconds, and too few the case's account.
 */
export function mapKeysFor({ topology, workload, rounds, options }: PlannedCase): number {
  const usual = Number(workload.parameters.find(({ name }) => name === "addresses")?.default ?? 0);
  const ports = topology.hosts.length + 1;
  const booked = topology.hosts.length > PORTS_BY_NAME ? 1 : ports;
  const samples = (rounds + OTHER_ROUNDS) * booked * BUCKETS;
  // Half of them at the most, so that what a flush has not yet removed finds room.
  const entries = 2 * ((options.addresses ?? usual) + ports);
  return Math.min(MOST, Math.max(LEAST, samples, entries, ports * PORT_KEYS));
}
