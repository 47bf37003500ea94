import { findCommand } from "../lib/find-command.mjs";
import { workloadNamed } from "./compiled.mjs";
import { netperfMedianNs, sockperfMedianNs } from "./output.mjs";
import { startServer, toEnd } from "./tools.mjs";

const ROUND_NS = 1e9;
const SECONDS = String(ROUND_NS / 1e9);
const BYTES = "64";

export const udpSockperf = roundTrips({ protocol: "udp", peer: sockperf, target: { atMost: 1.3 } });
export const tcpSockperf = roundTrips({ protocol: "tcp", peer: sockperf });
export const udpNetperf = roundTrips({ protocol: "udp", peer: netperf });
export const tcpNetperf = roundTrips({ protocol: "tcp", peer: netperf });

function roundTrips({ protocol, peer, target }) {
  return {
    name: `${protocol}-rr-${peer.name}`,
    what: `${protocol.toUpperCase()} round trip of ${BYTES} bytes, p50`,
    peerName: peer.name,
    unit: "µs",
    topology: "bridge:2",
    ratio: "ours/peer",
    target,
    unavailable: () => (peer === netperf ? netperfMissing() : null),
    open: async (context) => {
      const { lab, cpus, signal } = context;
      const workload = workloadNamed(`${protocol}-rr`);
      const driver = await workload.prepare({ lab, options: {}, cpus, signal });
      const other = await peer(context, protocol);
      return {
        ours: async () => (await driver.round(ROUND_NS)).metrics.rtt_p50 / 1e3,
        peer: async () => (await other.medianNs()) / 1e3,
        close: async () => {
          await driver.close();
          await other.close();
        },
      };
    },
  };
}

const SOCKPERF_PORT = 11111;

async function sockperf(context, protocol) {
  const { lab, cpus, signal } = context;
  const [client, host] = lab.hosts;
  const address = addressOf(host);
  const at = ["-i", address, "-p", String(SOCKPERF_PORT), ...(protocol === "tcp" ? ["--tcp"] : [])];
  const server = await startServer(
    context,
    host,
    protocol,
    SOCKPERF_PORT,
    "sockperf",
    ["sr", ...at],
    cpus[1],
  );
  // Without --full-rtt sockperf prints half of the round trip.
  const words = ["pp", ...at, "-t", SECONDS, "-m", BYTES, "--full-rtt"];
  return {
    medianNs: async () =>
      sockperfMedianNs(
        await toEnd(lab.site, "sockperf", words, {
          signal,
          namespace: lab.names.namespace(client.name),
          cpus: [cpus[0]],
        }),
      ),
    close: server.close,
  };
}

const NETPERF_PORT = 12865;

async function netperf(context, protocol) {
  const { lab, cpus, signal } = context;
  const [client, host] = lab.hosts;
  const port = String(NETPERF_PORT + (protocol === "tcp" ? 1 : 0));
  // -D: no daemon, -f: no process for each connection.
  const serve = ["-D", "-f", "-4", "-p", port];
  const server = await startServer(context, host, "tcp", Number(port), "netserver", serve, cpus[1]);
  const test = `${protocol.toUpperCase()}_RR`;
  const words = ["-P", "0", "-j", "-H", addressOf(host), "-p", port, "-t", test, "-l", SECONDS];
  words.push("--", "-r", `${BYTES},${BYTES}`, "-k", "P50_LATENCY");
  return {
    medianNs: async () =>
      netperfMedianNs(
        await toEnd(lab.site, "netperf", words, {
          signal,
          namespace: lab.names.namespace(client.name),
          cpus: [cpus[0]],
        }),
      ),
    close: server.close,
  };
}

/** Debian has it in non-free, which few machines have among their sources. */
function netperfMissing() {
  if (findCommand("netperf") !== null && findCommand("netserver") !== null) return null;
  return "not to be had here: Debian has netperf in non-free, and this machine's package sources have no such part";
}

function addressOf(host) {
  return host.address.split("/")[0];
}
