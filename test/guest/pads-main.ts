import fc from "fast-check";
import { workloadNamed } from "../../src/bench/workloads/index.ts";
import { chooseBackend } from "../../src/probes/backend.ts";
import { countedSamples, startCounted } from "../../src/probes/counted.ts";
import { buildPrivateLab } from "../../src/setup/lab.ts";
import { waitUntilReady } from "../../src/setup/ready.ts";
import { parseTopology } from "../../src/setup/topology.ts";
import { threadCpus } from "../../src/system/libc.ts";
import { openPrivateSite } from "../../src/system/site.ts";
import { pad } from "./pad.ts";
import type { PadRequest, PadRound } from "./pads.ts";

/** Between veth_xmit and br_handle_frame, every frame passes it once. */
const PADDED = "eth_type_trans";
const ROUND_NS = 10e6;

const { pads, rounds, seed }: PadRequest = JSON.parse(process.argv[2] ?? "{}");
const { signal } = new AbortController();
const site = await openPrivateSite();
const counted = await startCounted(site, "veth.in", await chooseBackend("fentry"), {
  inChain: false,
  signal,
});

async function round(index: number): Promise<void> {
  const lab = await buildPrivateLab(parseTopology("bridge:2"), { signal });
  try {
    await waitUntilReady(lab, signal);
    const driver = await workloadNamed("forward").prepare({
      lab,
      options: {},
      cpus: threadCpus(),
      signal,
    });
    counted.session.round(index);
    await driver.round(ROUND_NS);
    counted.session.round(0);
    await driver.close();
  } finally {
    await lab.close();
  }
}

// Each pad in every block, in random order.
const order = Array.from({ length: rounds }).flatMap(
  (_, block) =>
    fc.sample(fc.shuffledSubarray([...pads], { minLength: pads.length }), {
      seed: seed + block,
      numRuns: 1,
    })[0] ?? [],
);
for (const [at, extra] of order.entries()) {
  process.stderr.write(`round ${at + 1} of ${order.length}: ${extra} instructions more\n`);
  const padding = pad(PADDED, extra);
  try {
    await round(at + 1);
  } finally {
    padding.remove();
  }
}
const samples = await counted.session.stop(countedSamples);
counted.close();
await site.close();

const told = order.map((extra, at): PadRound => {
  const [most] = [...(samples.get(at + 1) ?? [])].sort(([, a], [, b]) => b - a);
  return { extra, instructions: most?.[0] ?? 0, passages: most?.[1] ?? 0 };
});
process.stdout.write(JSON.stringify(told));
