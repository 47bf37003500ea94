import { Failure } from "../lib/failure.mjs";
import { buildPrivateLab, resolveTopology, threadCpus, waitUntilReady } from "./compiled.mjs";

/** Client and first sender on the first, server and second sender on the second. */
export function twoCpus() {
  const cpus = threadCpus().slice(0, 2);
  if (cpus.length < 2) throw new Failure("the comparison takes two CPUs, and there is one", 4);
  return cpus;
}

/** The lab that both sides of a comparison use. */
export async function openLab(topology, signal) {
  const lab = await buildPrivateLab(resolveTopology(topology), { signal });
  try {
    await waitUntilReady(lab, signal);
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }
}
