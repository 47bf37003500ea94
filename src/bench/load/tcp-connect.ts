import { BridgescopeError } from "../../system/errors.ts";
import { pollSocket, tcpConnecting, throwSocketError } from "../../system/inet-socket.ts";
import { patience } from "../../system/patience.ts";
import { nowNs } from "./clock.ts";
import { LOOK_MS } from "./control.ts";
import type { Inside } from "./inside-thread.ts";
import { onLink } from "./on-link.ts";
import { type Link, nameOf } from "./pairs.ts";

/** Longer than the kernel takes to ask for a neighbour or to send a lost SYN twice again (RFC 6298: 1 s, 2 s). */
export const CONNECT_MS = patience(5_000);

/** A TCP connection that stands; a peer that does not answer is an error within CONNECT_MS. `reset` as tcpConnecting has it. */
export function connectTcp(link: Link, inside: Inside, reset = false): number {
  inside.enter(link.client.namespaceFd);
  const fd = inside.descriptors.keep(onLink(link, () => tcpConnecting(link.server, reset)));
  const deadline = nowNs() + CONNECT_MS * 1e6;
  while (inside.running() && !pollSocket(fd, "write", LOOK_MS)) {
    if (nowNs() < deadline) continue;
    const seconds = CONNECT_MS / 1000;
    throw new BridgescopeError(`no connection from ${nameOf(link)} within ${seconds} s`);
  }
  onLink(link, () => throwSocketError(fd));
  return fd;
}
