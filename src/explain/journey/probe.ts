/** `--probe`: what is sent from one end to the other so that there is something to look at. */
import { isIPv4 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { atPlace } from "../../bridge/places.ts";
import { wordsAt } from "../../bridge/words-at.ts";
import { run } from "../../system/command.ts";
import { UsageError } from "../../system/errors.ts";
import { close, connect, send, socket } from "../../system/libc.ts";
import { ipBytes } from "../../system/neighbours.ts";
import { inNamespace } from "../../system/netns.ts";
import { AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_DGRAM } from "../../system/uapi.ts";
import { printable } from "../../text/printable.ts";
import { plural } from "../../text/units.ts";
import type { End } from "./ends.ts";

export type Probe = { kind: "ping" } | { kind: "udp"; port: number };

export interface Probed {
  what: string;
  sent: number;
  text: string;
}

const EVERY_MS = 200;

/** `ping`, or `udp:PORT`. Throws a UsageError for anything else. */
export function parseProbe(text: string): Probe {
  if (text === "ping") return { kind: "ping" };
  const port = /^udp:(\d+)$/.exec(text)?.[1];
  if (port !== undefined && Number(port) > 0 && Number(port) < 65_536) {
    return { kind: "udp", port: Number(port) };
  }
  throw new UsageError(
    `--probe sends "ping" or "udp:PORT" (a port from 1 to 65535), not "${printable(text)}"`,
  );
}

export interface ProbeWay {
  probe: Probe;
  /** Where it is sent from, and to which address alone. */
  from: NonNullable<End["devices"][number]>;
  to: string;
}

/** Throws a UsageError where nothing can be sent from one end, or there is no address that both understand. */
export function probeWay(probe: Probe, a: End, b: End): ProbeWay {
  const device = a.devices.at(-1);
  if (device === undefined) {
    throw new UsageError(
      "--probe sends from the first end's network namespace, which is not seen behind its port: leave it out, and send from there by hand",
    );
  }
  const families = new Set(a.ips.map((ip) => isIPv4(ip)));
  const to =
    b.ips.find((ip) => isIPv4(ip) && families.has(true)) ??
    b.ips.find((ip) => !isIPv4(ip) && families.has(false));
  if (to === undefined) {
    throw new UsageError(
      `--probe sends to an IP address of the other end, and ${b.ips.length === 0 ? "none of it is known" : "the first end has none of that family"}`,
    );
  }
  return { probe, from: device, to };
}

/** Sends for so many seconds, or until `signal` is aborted; what comes of it is for others to see. */
export async function sendProbes(
  { probe, from, to }: ProbeWay,
  seconds: number,
  signal: AbortSignal,
): Promise<Probed> {
  const most = Math.max(1, Math.floor((seconds * 1000 - 300) / EVERY_MS));
  if (probe.kind === "udp") return sendDatagrams(from, to, probe.port, { most, seconds }, signal);
  // A link-local address is of a link.
  const scoped = /^fe80:/i.test(to) ? `${to}%${from.name}` : to;
  const ping = [
    "ping",
    "-n",
    "-q",
    "-c",
    `${most}`,
    "-i",
    "0.2",
    "-W",
    "1",
    "-I",
    from.name,
    scoped,
  ];
  // It ends with us, however we end.
  const words = ["--pdeathsig", "KILL", "--", ...wordsAt(from.place, ping)];
  // It answers a first SIGINT with its summary; without one there is nothing to tell but how many there were at most.
  const stop = new AbortController();
  const end = () => stop.abort();
  signal.addEventListener("abort", end, { once: true });
  const late = setTimeout(end, seconds * 1000);
  try {
    const { stdout, stderr } = await run("setpriv", words, { tool: "ping", signal: stop.signal });
    const [summary = ""] = /\d+ packets transmitted.*/.exec(stdout) ?? [];
    const sent = Number(/^\d+/.exec(summary)?.[0] ?? 0);
    return { what: "ping", sent, text: printable(summary || stderr.trim().split("\n")[0] || "") };
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return { what: "ping", sent: most, text: `at most ${plural(most, "echo request")}` };
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", end);
  }
}

async function sendDatagrams(
  { place, ifindex }: ProbeWay["from"],
  to: string,
  port: number,
  { most, seconds }: { most: number; seconds: number },
  signal: AbortSignal,
): Promise<Probed> {
  const endsMs = performance.now() + seconds * 1000;
  const fd = atPlace(place, (namespace) =>
    inNamespace(namespace, () => {
      const opened = socket(isIPv4(to) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      try {
        connect(opened, addressOf(to, port, ifindex));
        return opened;
      } catch (error) {
        close(opened);
        throw error;
      }
    }),
  );
  const refused: string[] = [];
  let sent = 0;
  try {
    while (fd !== null && sent < most && !signal.aborted && performance.now() < endsMs) {
      const data = Buffer.from(`bridgescope ${sent}`);
      try {
        send(fd, data);
      } catch (error) {
        // What befell the datagram before is told instead of sending this one: ECONNREFUSED, where nobody listens.
        const said = error instanceof Error ? error.message : String(error);
        if (!refused.includes(said)) refused.push(said);
        if (!sentAgain(fd, data)) break;
      }
      sent++;
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    if (fd !== null) close(fd);
  }
  const said = refused.length === 0 ? "" : ` (${printable(refused.join("; "))})`;
  return {
    what: `udp:${port}`,
    sent,
    text: `${plural(sent, "datagram")} to ${to} port ${port}${said}`,
  };
}

function sentAgain(fd: number, data: Buffer): boolean {
  try {
    return send(fd, data) === data.length;
  } catch {
    return false;
  }
}

/** struct sockaddr_in or sockaddr_in6. */
function addressOf(ip: string, port: number, ifindex: number): Buffer {
  const isFour = isIPv4(ip);
  const buffer = Buffer.alloc(isFour ? 16 : 28);
  buffer.writeUInt16LE(isFour ? AF_INET : AF_INET6, 0);
  buffer.writeUInt16BE(port, 2);
  ipBytes(ip).copy(buffer, isFour ? 4 : 8);
  if (!isFour && /^fe80:/i.test(ip)) buffer.writeUInt32LE(ifindex, 24);
  return buffer;
}
