import { workloadNamed } from "./compiled.mjs";

const ROUND_NS = 1e9;

export const tcpStream = {
  name: "tcp-stream",
  what: "TCP stream, writes of 128 KiB",
  peerName: "iperf3",
  unit: "Gbit/s",
  topology: "bridge:2",
  ratio: "ours/peer",
  target: { atLeast: 1 },
  open: async ({ lab, cpus, signal }) => {
    const workload = workloadNamed("tcp-stream");
    const ours = await workload.prepare({ lab, options: {}, cpus, signal });
    const peer = await workload.prepare({ lab, options: { engine: "iperf3" }, cpus, signal });
    const throughput = async (driver) => (await driver.round(ROUND_NS)).metrics.throughput / 1e9;
    return {
      ours: () => throughput(ours),
      peer: () => throughput(peer),
      close: async () => {
        await ours.close();
        await peer.close();
      },
    };
  },
};
