/** A bridge with many ports, and broadcasts faster than a CPU takes their copies. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Explanation } from "../../../../src/document/explain.ts";
import { setThreadCpus, threadCpus } from "../../../../src/system/libc.ts";
import { closeNamespace, openPath } from "../../../../src/system/netns.ts";
import { openPacketSocket } from "../../../../src/system/packet-socket.ts";
import type { Island } from "../../real/island.ts";
import { onStage } from "../stage.ts";
import { gratuitousArp, udp4 } from "../wire.ts";

const PORTS = 60;
const MAX_BACKLOG = Number(readFileSync("/proc/sys/net/core/netdev_max_backlog", "utf8"));
/** Their copies are more than three such queues. */
const BURST = Math.ceil((3 * MAX_BACKLOG) / PORTS);
const EVERY_MS = 250;

/** Ports whose other ends are all in one namespace, and v-a's frames on the second CPU: their sender, on the first, does not wait for it. */
const CROWD = `home crowd; ip netns exec crowd sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
for i in $(seq ${PORTS}); do
  echo "link add q$i type veth peer name q$i netns crowd"; echo "link set q$i master br0 up"
done > /run/crowd; ip -batch /run/crowd
for i in $(seq ${PORTS}); do echo "link set q$i up"; done > /run/crowd; ip -n crowd -batch /run/crowd
mount -t sysfs sysfs /sys; echo 2 > /sys/class/net/v-a/queues/rx-0/rps_cpus`;

/** Sends as many frames at once out of a's device, from the first CPU, again and again, until what comes back is called. */
async function bursts(island: Island, frame: Buffer, many: number): Promise<() => void> {
  const [link] = JSON.parse(await island.shell("ip -n a -j link show dev eth0"));
  const namespace = openPath("a", `/proc/${island.netns}/root/run/netns/a`);
  const socket = openPacketSocket(namespace, link.ifindex);
  const cpus = threadCpus();
  const timer = setInterval(() => {
    setThreadCpus([0]);
    for (let sent = 0; sent < many; sent++) {
      try {
        socket.send(frame);
      } catch {
        // The queue of the device is full.
      }
    }
    setThreadCpus(cpus);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    socket.close();
    closeNamespace(namespace);
  };
}

const lossesIn = ({ findings }: Explanation) => findings.filter(({ kind }) => kind === "loss");
/** Where softnet drops frames the probes go when they take more than half of what they may. */
const LOOK = { maxOverhead: 1 };

it("a burst of broadcasts overruns the queue of a CPU, and what other queues drop is not that", () =>
  onStage({ set: CROWD }, async ({ island, look, own, shell }) => {
    const mac = own("02:00:00:00:0d:01");
    const end = await bursts(island, gratuitousArp(mac, "10.77.0.1"), BURST);
    const findings = lossesIn(await look(LOOK).finally(end));
    // Some of a's own may find the queue full as well.
    expect(new Set(findings.map(({ cause }) => cause))).toEqual(new Set(["backlog"]));
    const finding = findings.find(({ title }) => title.startsWith("copies for"));
    expect(finding).toMatchObject({
      ...{ cause: "backlog", reason: "CPU_BACKLOG", source: mac, protocol: "ARP" },
      remedy: {
        command: expect.stringMatching(/^sysctl -w net\.core\.netdev_max_backlog=\d+$/),
        undo: `sysctl -w net.core.netdev_max_backlog=${MAX_BACKLOG}`,
      },
    });
    expect(finding?.title).toMatch(/^copies for \d+ of 63 ports found the queue of a CPU full, /);
    const evidence = finding?.evidence.join("\n");
    expect(evidence).toMatch(/ARP broadcast frames of .* behind port v-a \(.*becomes 62 copies/);
    expect(evidence).toMatch(/frames found such a queue full meanwhile/);

    // b's socket takes nothing, and neither does c's port. A shell function in the background would keep the shell's output open.
    await shell(`ip netns exec b ${process.execPath} -e 'require("node:dgram").createSocket("udp4").bind(9, () => process.kill(process.pid, "SIGSTOP"))' > /dev/null 2>&1 &
tc qdisc add dev v-c root tbf rate 8kbit burst 2000 limit 2000; sleep 0.5`);
    const from = { mac, ip: "10.77.0.1" };
    const to = (host: number) => ({
      ...{ mac: own(`02:00:00:00:0d:0${host}`), ip: `10.77.0.${host}`, port: 9 },
    });
    const ends = await Promise.all(
      [2, 3].map((host) => bursts(island, udp4(from, to(host), Buffer.alloc(1000)), 100)),
    );
    const others = lossesIn(
      await look(LOOK).finally(() => {
        for (const one of ends) one();
      }),
    );
    expect(others.map(({ cause }) => cause)).not.toContain("backlog");
    expect(others.map(({ reason }) => reason)).toContain("QDISC_DROP");
  }));
