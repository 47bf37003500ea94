import { BridgescopeError } from "../../system/errors.ts";
import { SystemCallError } from "../../system/libc.ts";
import { type Link, nameOf } from "./pairs.ts";

/** What the kernel means by an errno of a connected socket; the rest speaks for itself. */
const MEANINGS: Record<string, string> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the peer broke the connection off",
  EPIPE: "the peer broke the connection off",
  EHOSTUNREACH: "the peer can no longer be reached",
  ENETUNREACH: "there is no route to the peer",
  ENETDOWN: "the sender's device is down",
  ETIMEDOUT: "the peer stopped answering",
  EADDRINUSE: "the port is taken",
  EMFILE: "the process has no descriptor left",
  EADDRNOTAVAIL: "the client has no port left",
  ENOBUFS: "the kernel has no memory or no neighbour entry left for it",
};

/** Runs `action`; what the kernel says of a socket becomes a sentence that names the connection. */
export function onLink<T>(link: Link, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (!(cause instanceof SystemCallError)) throw cause;
    const meaning = MEANINGS[cause.code] ?? "the kernel refused";
    throw new BridgescopeError(`from ${nameOf(link)} ${meaning} (${cause.message})`, 1, { cause });
  }
}
