import { setTimeout as sleep } from "node:timers/promises";
import { BridgescopeError } from "../system/errors.ts";
import {
  type InetAddress,
  receiveDatagram,
  sendDatagram,
  udpListener,
} from "../system/inet-socket.ts";
import { close, SystemCallError } from "../system/libc.ts";
import { inNamespace } from "../system/netns.ts";
import { patience } from "../system/patience.ts";
import type { Site } from "../system/site.ts";
import type { LabHost } from "./lab.ts";
import { withoutPrefix } from "./network.ts";
import { neighbourOf, routeTo } from "./path.ts";

/** RFC 863: what is sent there is thrown away. */
export const DISCARD_PORT = 9;

const LIMIT_MS = patience(5_000);
const REPEAT_MS = 200;
const LOOK_MS = 10;

interface Reach {
  site: Site;
  hosts: readonly [LabHost & { address: string }, LabHost & { address: string }];
  called: readonly [string, string];
  gateway: string | null;
  signal: AbortSignal | undefined;
}

/** Sends datagrams from h1 to h2 until one is answered; throws a sentence that says what is missing. */
export async function requireAnswer(reach: Reach): Promise<void> {
  const [from, to] = reach.hosts.map((host, index) => ({
    address: withoutPrefix(host.address),
    fd: discardSocket(host, reach.called[index] ?? host.name),
  }));
  if (from === undefined || to === undefined) return;
  try {
    const heard = await exchange(from, to, reach.signal);
    if (heard === "answered") return;
    throw new BridgescopeError(await silence(reach, heard));
  } finally {
    close(from.fd);
    close(to.fd);
  }
}

/** A UDP socket at the discard port of a host's address. */
export function discardSocket(host: LabHost, called = host.name): number {
  const local = { address: withoutPrefix(host.address ?? ""), port: DISCARD_PORT };
  try {
    return inNamespace(host.namespace, () => udpListener(local));
  } catch (cause) {
    if (!(cause instanceof SystemCallError)) throw cause;
    const why =
      cause.code === "EADDRINUSE"
        ? "a process there has it: stop that, or wait for it"
        : cause.message;
    throw new BridgescopeError(
      `UDP port ${DISCARD_PORT} of ${called} (${local.address}) cannot be used: ${why}`,
      1,
      { cause },
    );
  }
}

type Heard = "nothing" | "arrived" | "answered";

async function exchange(
  from: { fd: number },
  to: { fd: number; address: string },
  signal: AbortSignal | undefined,
): Promise<Heard> {
  const target: InetAddress = { address: to.address, port: DISCARD_PORT };
  const buffer = Buffer.alloc(64);
  const deadline = Date.now() + LIMIT_MS;
  let heard: Heard = "nothing";
  for (let repeat = 0; Date.now() < deadline; ) {
    signal?.throwIfAborted();
    if (Date.now() >= repeat) {
      quietly(() => sendDatagram(from.fd, buffer, target));
      repeat = Date.now() + REPEAT_MS;
    }
    const sender = receiveDatagram(to.fd, buffer);
    if (sender !== null) {
      heard = "arrived";
      quietly(() => sendDatagram(to.fd, buffer, sender));
    }
    if (receiveDatagram(from.fd, buffer) !== null) return "answered";
    await sleep(LOOK_MS, undefined, { signal });
  }
  return heard;
}

/** A network that is still coming up refuses for a while; one that stays so is told after the limit. */
function quietly(send: () => void): void {
  try {
    send();
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
  }
}

async function silence({ site, hosts, called, gateway }: Reach, heard: Heard): Promise<string> {
  const [from, to] = hosts;
  const target = withoutPrefix(to.address);
  const begin = `${called[0]} had no answer from ${target} of ${called[1]} within ${LIMIT_MS / 1000} s`;
  if (heard === "arrived") {
    const back = withoutPrefix(from.address);
    const route = await routeTo(site, "h2", back);
    const why =
      typeof route === "string" ? `: ${called[1]} has no route to ${back} (${route})` : "";
    return `${begin}: its datagrams arrive, and the answers do not come back${why}`;
  }
  const asked = gateway ?? target;
  return neighbourOf(from.namespace, asked, from.ifindex) === null
    ? `${begin}: nobody answers ARP for ${asked} on ${from.device}`
    : `${begin}: none of its datagrams to UDP port ${DISCARD_PORT} arrived`;
}
