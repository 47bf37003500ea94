import type { RoundOrder } from "./order.ts";
import type { Link } from "./pairs.ts";
import { type LoadThread, startThread } from "./thread.ts";

/** A client thread and a server thread, which hold all connections of a workload. */
export interface Peers<Result> {
  placement(): { thread: string; cpus: number[] }[];
  round(order: RoundOrder): Promise<Result>;
  close(): Promise<void>;
}

/** A worker's file and what it is told at its start. */
interface Part<Setup> {
  file: string;
  setup: Setup;
}

export interface PeersRequest<ClientSetup, ServerSetup> {
  workload: string;
  links: readonly Link[];
  /** The client runs on the first, the server on the second if there is one. */
  cpus: readonly number[];
  signal: AbortSignal;
  client: Part<ClientSetup>;
  server: Part<ServerSetup>;
}

/** Starts the server, then the client, whose connections stand when this resolves. */
export async function startPeers<Result, ClientSetup, ServerSetup>(
  request: PeersRequest<ClientSetup, ServerSetup>,
): Promise<Peers<Result>> {
  const { workload, links, cpus, signal } = request;
  const [link] = links;
  if (link === undefined) throw new RangeError("a workload without a connection");
  const [clientCpu = 0, serverCpu = clientCpu] = cpus;
  const server: LoadThread<never, never> = await startThread(request.server.file, {
    workload,
    name: "server",
    setup: request.server.setup,
    cpus: [serverCpu],
    namespaceFd: link.server.namespaceFd,
    signal,
  });
  const starting: Promise<LoadThread<RoundOrder, Result>> = startThread(request.client.file, {
    workload,
    name: "client",
    setup: request.client.setup,
    cpus: [clientCpu],
    namespaceFd: link.client.namespaceFd,
    signal,
  });
  try {
    const client = await Promise.race([starting, server.failed]);
    return {
      placement: () => [
        { thread: "client", cpus: client.cpus },
        { thread: "server", cpus: server.cpus },
      ],
      round: (order) => Promise.race([client.round(order), server.failed]),
      close: async () => {
        await client.close();
        await server.close();
      },
    };
  } catch (error) {
    await starting.then((client) => client.close()).catch(() => undefined);
    await server.close();
    throw error;
  }
}
