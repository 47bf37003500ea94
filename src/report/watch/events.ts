/** What became of an FDB entry, in lines: the event with what taught it, and where the address was before. */
import type { FdbEvent } from "../../document/watch.ts";
import { quantity } from "../../text/units.ts";

export function eventLines(event: FdbEvent): string[] {
  const { migration } = event;
  return [eventText(event), ...(migration === null ? [] : [`  ${migrationText(migration)}`])];
}

function eventText(event: FdbEvent): string {
  const { time, event: what, address, vlan, port, from, by, taught } = event;
  const where = what === "moved" ? `from ${from} to ${port}` : `behind ${port}`;
  const who = by === "kernel" ? "" : ` by ${by}`;
  const frame = taught === null ? "" : `: ${taughtText(taught)}`;
  return `${clock(time, 1)} ${address}${vlan === 0 ? "" : ` VLAN ${vlan}`} ${what} ${where}${who}${frame}`;
}

function migrationText(migration: NonNullable<FdbEvent["migration"]>): string {
  const { from, to, lastFrom, firstTo, gapSeconds } = migration;
  const last =
    lastFrom === null
      ? `no frame by ${from} was seen`
      : `last frame by ${from} ${clock(lastFrom, 3)}`;
  const gap = gapSeconds === null ? "" : `, a gap of ${quantity(gapSeconds * 1e9, "ns")}`;
  return `${last}, first by ${to} ${clock(firstTo, 3)}${gap}`;
}

/** `gratuitous ARP of 10.0.0.1`, `IPv6 DAD for fd00::1`, `UDP 10.0.0.1:53 to 10.0.0.2:4711`. */
function taughtText(taught: NonNullable<FdbEvent["taught"]>): string {
  const { protocol, source, destination, sourcePort, destinationPort, target } = taught;
  if (target !== null) {
    const asked = source === target ? ` of ${target}` : ` for ${target}`;
    return `${protocol}${source === null || source === target ? "" : ` of ${source}`}${asked}`;
  }
  if (source === null || destination === null) return protocol;
  return `${protocol} ${end(source, sourcePort)} to ${end(destination, destinationPort)}`;
}

function end(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The time of day, with so many digits of the second. */
function clock(time: string, digits: number): string {
  return time.slice(11, 20 + digits);
}
