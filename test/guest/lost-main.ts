import { readBridge } from "../../src/bridge/read-bridge.ts";
import { whichBridge } from "../../src/bridge/which-bridge.ts";
import { type Collected, collect } from "../../src/live/collect.ts";
import { floodLab, type HostName, macOf } from "../integration/explain/lab.ts";
import { LINK_LOCAL, type LostFlow, type LostReport, type LostRequest, SENT } from "./lost.ts";

const { backends } = JSON.parse(process.argv[2] ?? "{}") as LostRequest;
const HOSTS = ["a", "b", "c"] as const;
const lab = await floodLab();

// b and a may not talk, c is behind a port that takes no long frames.
lab.shell("ip link set br0 address 02:00:00:00:0b:09; ip addr add 10.77.0.9/24 dev br0");
for (const host of HOSTS) {
  lab.shell("ping -q -c 1 -W 5 10.77.0.9", host);
  for (const [index, other] of HOSTS.entries()) {
    const set = `ip neigh replace 10.77.0.${index + 1} lladdr ${macOf(other)} nud permanent dev eth0`;
    if (other !== host) lab.shell(set, host);
  }
}
lab.shell("bridge link set dev pa isolated on; bridge link set dev pb isolated on");
lab.shell("ip link set pc mtu 1000; sysctl -qw net.bridge.bridge-nf-call-iptables=0 || true");

const [found] = await whichBridge("br0", String(lab.bridge.pid));
if (found === undefined) throw new Error("there is no br0");
const report: LostReport = {};
for (const backend of backends) {
  process.stderr.write(`attaching ${backend}\n`);
  const enough = new AbortController();
  const collected = await collect(await readBridge(found.place, found.ifindex), {
    ...{ seconds: 600, backend, maxOverhead: 1, signal: enough.signal },
    onCounting: () => {
      lab.got("c", { from: "a", to: macOf("b"), count: SENT });
      lab.got("c", { from: "b", to: macOf("c"), count: SENT });
      // It comes to no function that has it in hand.
      lab.got("c", { from: "a", to: LINK_LOCAL, count: SENT, etherType: 0x888e });
      const long = `ping -q -c ${SENT} -i 0.01 -W 1 -s 1400 10.77.0.3 > /dev/null || true`;
      lab.shell(long, "a");
      setTimeout(() => enough.abort(), 500);
    },
  });
  report[backend] = flowsOf(collected);
}
await lab.leave();
process.stdout.write(JSON.stringify(report));

function flowsOf({ known, flows, lost }: Collected): Record<string, LostFlow> {
  const links = JSON.parse(lab.bridge.ip("-j", "link", "show")) as {
    ifindex: number;
    ifname: string;
  }[];
  const nameOf = (ifindex: number) => links.find((link) => link.ifindex === ifindex)?.ifname ?? "?";
  const flow = (from: HostName, to: string): [string, LostFlow] => {
    const is = (one: { source: string; destination: string }) =>
      one.source === macOf(from) && one.destination === to;
    const [first] = [...known, ...flows].filter(is);
    return [
      `${from} > ${to}`,
      {
        came: first === undefined ? null : [first.frames, first.copies],
        lost: lost.filter(is).map(({ frames, at, behind, longest, reason }) => ({
          ...{ frames, at: nameOf(at), behind, longest, hasReason: reason !== null },
        })),
      },
    ];
  };
  return Object.fromEntries([
    ...[flow("a", macOf("b")), flow("b", macOf("c")), flow("a", macOf("c"))],
    flow("a", LINK_LOCAL),
  ]);
}
