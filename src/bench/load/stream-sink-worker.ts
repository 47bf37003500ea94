import { createServer } from "node:net";
import { tcpListener } from "../../system/inet-socket.ts";
import { nowNs } from "./clock.ts";
import { type Inside, runInThread } from "./inside-thread.ts";
import { type Link, listeningEnds } from "./pairs.ts";
import { Tally } from "./tally.ts";

export interface StreamSinkSetup {
  links: Link[];
  tally: SharedArrayBuffer;
}

/** Counts the bytes that arrive on all connections, with Node's own sockets. */
runInThread(({ links, tally: memory }: StreamSinkSetup, inside: Inside) => {
  const tally = new Tally(memory);
  for (const end of listeningEnds(links)) {
    inside.enter(end.namespaceFd);
    const fd = inside.descriptors.keep(tcpListener(end));
    const server = createServer((socket) => {
      socket.on("data", (data) => tally.add(data.length, nowNs()));
      // The sender is who judges: it sees the same break.
      socket.on("error", () => {});
    });
    server.listen({ fd: inside.descriptors.release(fd) });
  }
  return {};
});
