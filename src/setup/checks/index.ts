import type { Check } from "../../document/run.ts";
import { openPrivateSite } from "../../system/site.ts";
import { buildPrivateLab } from "../lab.ts";
import { parseTopology } from "../topology.ts";
import { checkBridge } from "./bridge.ts";
import { checkNetns } from "./netns.ts";
import type { ClimbOptions } from "./step.ts";
import { checkVeth } from "./veth.ts";

export type { ClimbOptions };
export { checkBridge, checkNetns, checkVeth };

/** The network of the walk. */
const NETWORK = "192.168.1.0/24";

/** The whole ladder, from a namespace to a bridge of four, in private sites that are gone afterwards. */
export async function runLadder(options: ClimbOptions = {}): Promise<Check[]> {
  const checks: Check[] = [];
  const site = await openPrivateSite();
  try {
    checks.push(...(await checkNetns(site, options)), ...(await checkVeth(site, options)));
  } finally {
    await site.close();
  }
  const lab = await buildPrivateLab(parseTopology("bridge:4", { network: NETWORK }), {
    signal: options.signal,
  });
  try {
    checks.push(...(await checkBridge(lab, options)));
  } finally {
    await lab.close();
  }
  return checks;
}
