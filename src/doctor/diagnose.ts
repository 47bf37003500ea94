import { tryBackend } from "../probes/function-try.ts";
import { type FunctionTable, readFunctions, withRefusal } from "../probes/functions.ts";
import { HangError, PrerequisiteError } from "../system/errors.ts";
import { backendFindings, type Tried } from "./backends.ts";
import { bridgeSupportFindings } from "./bridge-support.ts";
import { type Finding, type Job, prevents } from "./finding.ts";
import { formatPrerequisite } from "./format.ts";
import { kernelFindings, readKernelFacts } from "./kernel.ts";
import { limitFindings } from "./limits.ts";
import { foreignFinding, noiseFindings, readForeignProbes, readNoiseFacts } from "./noise.ts";
import { readInstaller } from "./packages.ts";
import { privilegeFindings, readPrivilegeFacts } from "./privileges.ts";
import { isTooOld, readToolFacts, TOOLS, type ToolFacts, toolFinding } from "./tools.ts";

export interface Diagnosis {
  findings: Finding[];
  /** The functions on a frame's way, with what came of trying to attach. */
  functions: FunctionTable;
}

/** Everything that decides what bridgescope can do here, in the order a person mends it. */
export async function diagnose(): Promise<Diagnosis> {
  const kernel = await readKernelFacts();
  const functions = readFunctions();
  const [privileges, tools, network, limits, noise] = await Promise.all([
    readPrivilegeFacts(),
    readTools(TOOLS),
    bridgeSupportFindings(kernel),
    limitFindings(kernel.release),
    readNoiseFacts(),
  ]);
  const tried = await tryBackends(tools.facts.get("bpftrace"), functions);
  const findings = [
    ...privilegeFindings(privileges),
    ...kernelFindings(kernel),
    ...tools.findings,
    ...network,
    ...backendFindings(kernel, tried),
    ...limits,
    ...noiseFindings(noise, kernel.config),
    foreignFinding(readForeignProbes()),
  ];
  const table = withRefusal(functions, "fentry", tried?.fentry ?? null);
  return { findings, functions: withRefusal(table, "kprobe", tried?.kprobe ?? null) };
}

/** Throws a PrerequisiteError, with what would help, where this job is impossible here. */
export async function requirePrerequisites(job: Job): Promise<void> {
  refuse(await prerequisites(job));
}

/** The same where this kernel lets no probe look at frames. */
export async function requireProbes(): Promise<void> {
  refuse(kernelFindings(await readKernelFacts()).filter((one) => prevents(one, "bench")));
}

function refuse(missing: readonly Finding[]): void {
  if (missing.length > 0) throw new PrerequisiteError(missing.map(formatPrerequisite).join("\n"));
}

/** What makes this job impossible here; empty when it can begin. */
export async function prerequisites(job: Job = "bench"): Promise<Finding[]> {
  const [kernel, privileges, tools] = await Promise.all([
    readKernelFacts(),
    readPrivilegeFacts(),
    readTools(TOOLS.filter((tool) => tool.requiredFor !== null)),
  ]);
  const all = [
    ...privilegeFindings(privileges),
    ...kernelFindings(kernel),
    ...tools.findings,
    ...(await bridgeSupportFindings(kernel)),
  ];
  return all.filter((found) => prevents(found, job));
}

async function readTools(
  tools: typeof TOOLS,
): Promise<{ findings: Finding[]; facts: ReadonlyMap<string, ToolFacts> }> {
  const install = await readInstaller();
  const read = await Promise.all(
    tools.map(async (tool) => ({ tool, facts: await readToolFacts(tool) })),
  );
  return {
    findings: read.map(({ tool, facts }) => toolFinding(tool, facts, install)),
    facts: new Map(read.map(({ tool, facts }) => [tool.command, facts])),
  };
}

async function tryBackends(
  bpftrace: ToolFacts | undefined,
  functions: FunctionTable,
): Promise<Tried | null> {
  const version = bpftrace?.version ?? null;
  if (version === null || isTooOld("bpftrace", version)) {
    return null;
  }
  try {
    // One after the other: a machine with two processors has better things to do than two compilers.
    return {
      fentry: await tryBackend("fentry", version, functions),
      kprobe: await tryBackend("kprobe", version, functions),
    };
  } catch (error) {
    if (error instanceof HangError) return null;
    throw error;
  }
}
