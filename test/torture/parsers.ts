/** Everything that reads what others wrote: a corpus of what it usually gets, and how it reads it. */
import { readFileSync } from "node:fs";
import { parsePlanFile } from "../../src/bench/plan/named-plans.ts";
import { parseIperf } from "../../src/bench/workloads/iperf3.ts";
import { parsePing } from "../../src/bench/workloads/ping.ts";
import { emptyRecords, readRecord } from "../../src/probes/records.ts";
import { programRows } from "../../src/probes/statistics.ts";
import { renderTerminal } from "../../src/report/terminal/run.ts";
import { parseTopologyFile } from "../../src/setup/file.ts";
import { fdbRow, linkRow, parseRows, routeRow } from "../../src/setup/rows.ts";
import { parseTopology } from "../../src/setup/topology.ts";
import { JOURNAL_SCHEMA, readJournal } from "../../src/store/journal.ts";
import { parseRun } from "../../src/store/runs.ts";
import { parseToolJson } from "../../src/system/command.ts";
import { parseCounters } from "../../src/system/counters.ts";
import { completeRun } from "../fixtures/report/runs.ts";

export interface Parser {
  corpus: string[];
  /** What it made of the text; a UsageError or a ToolError says that it made nothing of it. */
  read(text: string): unknown;
}

const tool = (name: string) => readFileSync(`test/fixtures/tools/${name}`, "utf8");

const PLAN = `name: nightly
duration: 200ms
rounds: 3
network: 10.1.0.0/16
ladder: true
cases:
  - { topology: "bridge:4,ageing_time=5s", workload: flood, senders: 2, rate: 1000 }
  - { topology: veth, workload: tcp-rr, connections: 4, messageSize: 64 }
`;
const TOPOLOGY = `network: 10.1.0.0/24
mtu: 9000
ipv6: 0
nf_call: 1
bridge: { ageing_time: 5s, mcast_snooping: 0 }
hosts:
  - { name: web, address: 10.1.0.10/24, port: { isolated: 1, hairpin: "0" } }
  - name: db
fdb:
  - { address: "02:00:00:00:00:AB", host: web }
`;

function smallRun() {
  const run = completeRun();
  const [first] = run.cases;
  return { ...run, checks: run.checks.slice(0, 1), cases: first === undefined ? [] : [first] };
}

function journal(): string {
  const run = smallRun();
  const asked = { plan: null, request: { topology: ["veth"] }, steps: [] };
  const head = { schema: JOURNAL_SCHEMA, mode: "vs", ...asked };
  const { workload, lab } = run.cases[0] ?? {};
  const { placement = [], ...read } = lab ?? {};
  const reading = {
    ...{
      cpu: { total: 1, softirq: 0, steal: 0 },
      softnetDrops: 0,
      squeezed: 0,
      involuntarySwitches: 0,
    },
    ...{ pressureUs: null, atNs: 1 },
  };
  const round = (side: string) => ({
    ...{ driver: side, side: "off", startNs: 1, durationNs: 1, before: reading, after: reading },
    measured: { metrics: { rtt_p50: 7 }, cpu: null },
  });
  const lines = [
    { ...head, run: { ...run, cases: [], checks: [], slopes: undefined } },
    { act: "check", at: 1, checks: run.checks },
    { act: "begin", at: 2, id: "veth/ping" },
    { act: "build", at: 3, lab: "base", read, setupNs: 1, warnings: [] },
    { act: "prepare", at: 3, driver: "base", workload, placement },
    {
      act: "measure",
      at: 4,
      rounds: [round("candidate"), round("base")],
      measurement: 1,
      block: 0,
    },
    { act: "close", at: 5, warnings: [] },
    { act: "fail", at: 5, error: "ping exited with 3", tool: "ping", exitCode: 1 },
    { act: "end", at: 6 },
    { act: "resume", at: 6, time: "2026-11-24T00:00:00.000Z" },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

const document = JSON.stringify(smallRun());

export const PARSERS: Record<string, Parser> = {
  "run documents": { corpus: [document], read: (text) => parseRun(text, "run.json") },
  "run documents, rendered": {
    corpus: [document],
    read: (text) => renderTerminal(parseRun(text, "run.json"), { color: false, width: 80 }),
  },
  journals: { corpus: [journal()], read: (text) => readJournal(text, "journal.ndjson") },
  plans: { corpus: [PLAN], read: (text) => parsePlanFile(text, "plan.yaml", { external: null }) },
  "topology files": { corpus: [TOPOLOGY], read: (text) => parseTopologyFile(text, "lab.yaml") },
  "topologies as words": {
    corpus: ["netns", "veth", "bridge:8", "bridge:4,ageing_time=5s,nf_call=1"],
    read: (text) => parseTopology(text),
  },
  "`ip -j link`": {
    corpus: [tool("ip-link.json")],
    read: (text) => parseRows("ip", text, linkRow),
  },
  "`ip -j address`": {
    corpus: [tool("ip-address.json")],
    read: (text) => parseRows("ip", text, linkRow),
  },
  "`ip -j route`": {
    corpus: [tool("ip-route.json")],
    read: (text) => parseRows("ip", text, routeRow),
  },
  "`bridge -j fdb`": {
    corpus: [tool("bridge-fdb.json")],
    read: (text) => parseRows("bridge", text, fdbRow),
  },
  "bpftool's JSON": {
    corpus: [tool("bpftool-prog.json")],
    read: (text) => parseToolJson("bpftool", text, programRows),
  },
  "bpftrace's JSON": {
    corpus: [tool("bpftrace.ndjson")],
    read: (text) => {
      const records = emptyRecords();
      for (const line of text.split("\n")) readRecord(records, line);
      return records;
    },
  },
  ping: { corpus: [tool("ping.txt")], read: parsePing },
  "iperf3 -J": { corpus: ["iperf3-tcp.json", "iperf3-udp.json"].map(tool), read: parseIperf },
  "/proc/net/dev": {
    corpus: [readFileSync("/proc/net/dev", "utf8")],
    read: parseCounters,
  },
};
