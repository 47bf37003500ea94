import { median, ratioOfPairs } from "./compiled.mjs";

/** What the samples say of each comparison. */
export function rowsOf(comparisons, samples, seed) {
  return comparisons.map((comparison) => {
    const { name, what, peerName, unit, ratio: ratioIs = null, target = null } = comparison;
    const about = { name, what, peerName, unit, ratioIs, target };
    const { ours, peer, order: first } = samples.get(name);
    const reason = comparison.unavailable?.() ?? null;
    if (reason !== null) return { ...about, reason };
    const medians = { ours: median(ours), peer: peer.length > 0 ? median(peer) : null };
    const [over, under] = ratioIs === "ours/peer" ? [ours, peer] : [peer, ours];
    const paired = ratioIs === null ? {} : ratioOfPairs(over, under, seed);
    const met = target === null ? null : meets(paired.ratio ?? medians.ours, target);
    return { ...about, medians, ...paired, met, samples: { ours, peer, first } };
  });
}

function meets(value, { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }) {
  return value >= atLeast && value <= atMost;
}

/** How much faster two senders are than one, where both were measured; paired by pass through the comparisons. */
export function scalingOf(one, two, seed) {
  if (one?.samples === undefined || two?.samples === undefined) return null;
  const grown = (side) => ratioOfPairs(two.samples[side], one.samples[side], seed);
  return { ours: grown("ours"), peer: grown("peer"), peerName: one.peerName };
}
