import { Epoll } from "../../system/epoll.ts";
import type { Exchange } from "./exchange.ts";
import { ExchangeLoop, type ExchangeResult } from "./exchange-loop.ts";
import { TcpExchange, Transaction, UdpExchange } from "./exchanges.ts";
import { type Inside, type Job, runInThread } from "./inside-thread.ts";
import type { RoundOrder } from "./order.ts";
import { type Link, onePerPair } from "./pairs.ts";
import { connectTcp } from "./tcp-connect.ts";

/** `transaction` is a TCP connection for every request. */
export type ExchangeKind = "udp" | "tcp" | "transaction";

export interface ExchangeSetup {
  kind: ExchangeKind;
  links: Link[];
  /** Bytes of a request and of its answer. */
  size: number;
  /** Requests outstanding on a connection. */
  pipelining: number;
  /** True where client and server do not share a CPU. */
  spins: boolean;
}

/** The client of requests and responses: all connections in one thread. */
runInThread((setup: ExchangeSetup, inside: Inside): Job<RoundOrder, ExchangeResult> => {
  const { links, size, pipelining, spins } = setup;
  const epoll = new Epoll();
  inside.descriptors.keep(epoll.fd);
  const loop = new ExchangeLoop(epoll, inside, links.length * pipelining, spins);
  if (setup.kind === "transaction") {
    // So that no transaction has to ask for its neighbour, which on a large bridge takes long.
    for (const link of onePerPair(links)) inside.descriptors.close(connectTcp(link, inside, true));
  }
  const buffer = Buffer.alloc(Math.max(size, 65_536));
  for (const [key, link] of links.entries()) {
    if (!inside.running()) break;
    const answered = (startNs: number) => loop.answered(key, startNs);
    loop.add(open(setup, { link, key, epoll, buffer, inside, answered }), pipelining);
  }
  return { round: (order) => loop.round(order) };
});

interface Opening {
  link: Link;
  key: number;
  epoll: Epoll;
  buffer: Buffer;
  inside: Inside;
  answered: (startNs: number) => void;
}

function open({ kind, size, pipelining }: ExchangeSetup, opening: Opening): Exchange {
  const { link, inside, answered, ...rest } = opening;
  if (kind === "transaction") return new Transaction(link, { size, ...rest }, inside, answered);
  if (kind === "tcp") return new TcpExchange(link, { size, ...rest }, inside, answered);
  const exchange = new UdpExchange(link, { size, pipelining }, inside, answered);
  exchange.listen(opening.epoll, opening.key);
  return exchange;
}
