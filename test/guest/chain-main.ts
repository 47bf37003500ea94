import { instructionsPerFrame, stageCountsOf } from "../../src/bench/observe/stage-counts.ts";
import { workloadNamed } from "../../src/bench/workloads/index.ts";
import type { RoundResult } from "../../src/bench/workloads/workload.ts";
import type { StageCounts } from "../../src/document/event.ts";
import { chooseBackend, type ProbeBackend } from "../../src/probes/backend.ts";
import {
  type CountedOptions,
  type CountedStage,
  countedSamples,
  startCounted,
} from "../../src/probes/counted.ts";
import { buildPrivateLab } from "../../src/setup/lab.ts";
import { waitUntilReady } from "../../src/setup/ready.ts";
import { parseTopology } from "../../src/setup/topology.ts";
import type { UnobservedChain } from "../../src/stats/chain.ts";
import { threadCpus } from "../../src/system/libc.ts";
import { openPrivateSite } from "../../src/system/site.ts";
import type { ChainReport, ChainRequest } from "./chain.ts";

const WARM_UP_NS = 10e6;
/** A train of 256 frames through eight bridges takes 5 ms, and some of them have to be free of other work. */
const UNOBSERVED_NS = 60e6;
const OBSERVED_NS = 10e6;

const request: ChainRequest = JSON.parse(process.argv[2] ?? "{}");
const { signal } = new AbortController();
const say = (what: string) => process.stderr.write(`${process.uptime().toFixed(1)} s: ${what}\n`);

/** Frames through a chain that is built for them and gone afterwards. */
async function through<Result>(
  bridges: number,
  frames: (round: (ns: number) => Promise<RoundResult>) => Promise<Result>,
): Promise<Result> {
  const lab = await buildPrivateLab(parseTopology(`chain:${bridges}`), { signal });
  try {
    await waitUntilReady(lab, signal);
    const driver = await workloadNamed("forward").prepare({
      ...{ lab, options: {}, cpus: threadCpus(), signal },
    });
    const result = await frames((ns) => driver.round(ns));
    await driver.close();
    return result;
  } finally {
    await lab.close();
  }
}

async function unobserved(bridges: number): Promise<UnobservedChain> {
  const samples: number[] = [];
  for (let lab = 1; lab <= request.labs; lab++) {
    say(`chain:${bridges} without probes, lab ${lab}`);
    const { trainNsPerFrame = [] } = await through(bridges, async (round) => {
      await round(WARM_UP_NS);
      return round(UNOBSERVED_NS);
    });
    samples.push(instructionsPerFrame(trainNsPerFrame) ?? Number.NaN);
  }
  return { bridges, samples };
}

async function counted(
  stage: CountedStage,
  backend: ProbeBackend,
  labs: number,
  more: Partial<CountedOptions> = {},
): Promise<StageCounts> {
  const site = await openPrivateSite();
  try {
    say(`${stage} by ${backend.name}`);
    const probes = await startCounted(site, stage, backend, { inChain: true, signal, ...more });
    probes.calibrate();
    const rounds = Array.from({ length: labs }, (_, index) => index + 1);
    for (const index of rounds) {
      await through(request.watched.bridges, async (round) => {
        probes.session.round(index);
        await round(OBSERVED_NS);
        probes.session.round(0);
      });
    }
    const samples = await probes.session.stop(countedSamples);
    probes.close();
    const { lost, errors } = probes.session.records;
    return stageCountsOf(stage, probes, samples, rounds, { lost, degraded: errors });
  } finally {
    await site.close();
  }
}

async function emptyPath(backend: ProbeBackend, more: Partial<CountedOptions>): Promise<number> {
  const { observer } = await counted("veth.out", backend, 0, more);
  return observer?.value ?? Number.NaN;
}

const report: ChainReport = { unobserved: [], hops: [], emptyPaths: [] };
for (const bridges of request.chains) report.unobserved.push(await unobserved(bridges));
for (const name of request.hops) {
  const backend = await chooseBackend(name);
  const { labs } = request.watched;
  const stages = {
    "bridge.forward": await counted("bridge.forward", backend, labs),
    "veth.out": await counted("veth.out", backend, labs),
  };
  report.hops.push({ backend: name, stages });
}
for (const name of request.emptyPaths) {
  const backend = await chooseBackend(name);
  const usual = await emptyPath(backend, {});
  const longer = await emptyPath(backend, { emptyTo: "bpf_fentry_test3" });
  report.emptyPaths.push({ backend: name, usual, longer });
}
process.stdout.write(JSON.stringify(report));
