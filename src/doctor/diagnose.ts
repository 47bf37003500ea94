import { backendFindings } from "./backends.ts";
import { bridgeSupportFindings } from "./bridge-support.ts";
import { type Finding, type Job, prevents } from "./finding.ts";
import { kernelFindings, readKernelFacts } from "./kernel.ts";
import { limitFindings } from "./limits.ts";
import { noiseFindings, readNoiseFacts } from "./noise.ts";
import { readInstaller } from "./packages.ts";
import { privilegeFindings, readPrivilegeFacts } from "./privileges.ts";
import { readToolFacts, TOOLS, toolFinding } from "./tools.ts";

/** Everything that decides what bridgescope can do here, in the order a person mends it. */
export async function diagnose(): Promise<Finding[]> {
  const kernel = await readKernelFacts();
  const [privileges, tools, network, backends, limits, noise] = await Promise.all([
    readPrivilegeFacts(),
    toolFindings(TOOLS),
    bridgeSupportFindings(kernel),
    backendFindings(kernel),
    limitFindings(kernel.release),
    readNoiseFacts(),
  ]);
  return [
    ...privilegeFindings(privileges),
    ...kernelFindings(kernel),
    ...tools,
    ...network,
    ...backends,
    ...limits,
    ...noiseFindings(noise, kernel.config),
  ];
}

/** What makes this job impossible here; empty when it can begin. */
export async function prerequisites(job: Job = "bench"): Promise<Finding[]> {
  const [kernel, privileges, tools] = await Promise.all([
    readKernelFacts(),
    readPrivilegeFacts(),
    toolFindings(TOOLS.filter((tool) => tool.requiredFor !== null)),
  ]);
  const all = [
    ...privilegeFindings(privileges),
    ...kernelFindings(kernel),
    ...tools,
    ...(await bridgeSupportFindings(kernel)),
  ];
  return all.filter((found) => prevents(found, job));
}

async function toolFindings(tools: typeof TOOLS): Promise<Finding[]> {
  const install = await readInstaller();
  return Promise.all(
    tools.map(async (tool) => toolFinding(tool, await readToolFacts(tool), install)),
  );
}
