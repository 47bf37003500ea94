import type { Lab } from "../../document/case.ts";
import type { ApplyOptions } from "../../setup/apply.ts";
import type { ConnectOptions } from "../../setup/external.ts";
import type { BuiltLab } from "../../setup/lab.ts";
import { readLab } from "../../setup/read-lab.ts";
import { waitUntilReady } from "../../setup/ready.ts";
import type { Topology } from "../../setup/spec.ts";
import { standUp } from "../../setup/stand.ts";
import { differences } from "../../setup/verify.ts";
import { BridgescopeError } from "../../system/errors.ts";

/** A lab that stays while others are measured beside it. */
export interface StandingLab {
  lab: BuiltLab;
  /** As read back from the kernel. */
  read: Omit<Lab, "placement">;
}

/** Builds a lab and holds it against what was asked for; throws when the kernel built another one. */
export async function buildStandingLab(
  topology: Topology,
  options: ApplyOptions & ConnectOptions,
): Promise<StandingLab> {
  const lab = await standUp(topology, options);
  try {
    await waitUntilReady(lab, options.signal);
    const read = await readLab(lab);
    const wrong = differences(topology, read);
    if (wrong.length === 0) return { lab, read };
    throw new BridgescopeError(`the kernel built another lab: ${wrong.join("; ")}`);
  } catch (error) {
    await lab.close();
    throw error;
  }
}
