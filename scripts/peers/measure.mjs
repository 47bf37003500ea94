import { seededRandom, shuffled } from "./compiled.mjs";
import { openLab } from "./context.mjs";

/**
 * Measures all comparisons in one interleaved run: `pairs` times through all of them in random order, each
 * time ours and the peer's right after one another in random order. Gives the samples by name.
 */
export async function measure(comparisons, context, { pairs, seed, progress }) {
  const opened = [];
  const samples = new Map(comparisons.map(({ name }) => [name, { ours: [], peer: [], order: [] }]));
  try {
    for (const comparison of comparisons) {
      if (comparison.unavailable?.()) continue;
      progress(`setting up ${comparison.name}`);
      opened.push({ comparison, ...(await open(comparison, context)) });
    }
    const order = shuffled(seed);
    const coin = seededRandom(seed + 1);
    for (let pair = 1; pair <= pairs; pair++) {
      for (const { comparison, sides } of order(opened)) {
        if (pair > (comparison.most ?? pairs)) continue;
        context.signal.throwIfAborted();
        const first = sides.peer === undefined || coin() < 0.5 ? "ours" : "peer";
        const measured = await measurePair(sides, first);
        keep(samples.get(comparison.name), measured, first);
        progress(`pair ${pair} of ${pairs}, ${comparison.name}: ${told(comparison, measured)}`);
      }
    }
    return samples;
  } finally {
    for (const { sides, lab } of opened) {
      await sides.close();
      await lab?.close();
    }
  }
}

async function open(comparison, context) {
  if (comparison.topology === undefined) return { sides: await comparison.open(context) };
  const lab = await openLab(comparison.topology, context.signal);
  try {
    return { lab, sides: await comparison.open({ ...context, lab }) };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

async function measurePair(sides, first) {
  if (sides.peer === undefined) return { ours: await sides.ours() };
  const measured = {};
  for (const side of first === "ours" ? ["ours", "peer"] : ["peer", "ours"]) {
    measured[side] = await sides[side]();
  }
  return measured;
}

function keep(samples, { ours, peer }, first) {
  samples.ours.push(ours);
  if (peer === undefined) return;
  samples.peer.push(peer);
  samples.order.push(first);
}

function told({ unit, peerName }, { ours, peer }) {
  const theirs = peer === undefined ? "" : `, ${peerName} ${peer.toPrecision(4)}`;
  return `ours ${ours.toPrecision(4)}${theirs} ${unit}`;
}
