import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../lib/failure.mjs";
import { finish, inNamespace, startChild } from "./compiled.mjs";

const READY_MS = 5_000;
const LOOK_MS = 20;

/** Runs a peer's tool to its end and gives what it said on stdout; another status than 0 is a Failure. */
export async function toEnd(site, tool, args, { signal, usualMs = 30_000, ...options }) {
  const child = startChild(site, tool, args, options);
  let text = "";
  child.process.stdout?.on("data", (data) => {
    text += String(data);
  });
  const code = await finish(child, usualMs, signal);
  if (code !== 0) {
    throw new Failure(`${tool} ended with ${code}: ${child.complaints() || text.slice(-200)}`);
  }
  return text;
}

/**
 * The command line of a tool that starts processes of its own. They outlive a killed parent, but not the
 * first process of their PID namespace, which has a parent-death signal.
 */
export function withItsChildren(...words) {
  return ["unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", ...words]];
}

/** Starts a server at a host of the lab's and waits until somebody listens at the port. */
export async function startServer({ lab, signal }, host, protocol, port, tool, args, cpu) {
  const server = startChild(lab.site, tool, args, {
    namespace: lab.names.namespace(host.name),
    cpus: [cpu],
  });
  server.process.stdout?.resume();
  let ended = false;
  void server.ended.then(() => {
    ended = true;
  });
  try {
    const deadline = Date.now() + READY_MS;
    while (!listens(host.namespace, protocol, port)) {
      if (ended) throw new Failure(`${tool} ended at once: ${server.complaints()}`);
      if (Date.now() > deadline) throw new Failure(`${tool} did not listen on port ${port}`);
      await sleep(LOOK_MS, undefined, { signal });
    }
    return { close: () => server.stop("SIGKILL", 1000) };
  } catch (error) {
    await server.stop("SIGKILL", 1000);
    throw error;
  }
}

/** A server's output is buffered when it is no terminal's: the kernel knows better whether it listens. */
function listens(namespace, protocol, port) {
  const text = inNamespace(namespace, () =>
    readFileSync(`/proc/thread-self/net/${protocol}`, "utf8"),
  );
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text.split("\n").some((line) => line.trim().split(/\s+/)[1]?.endsWith(suffix));
}
