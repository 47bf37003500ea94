import { BridgescopeError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { newNamespace, type OpenNamespaces } from "../system/netns.ts";
import type { Site } from "../system/site.ts";
import { SysctlFolder } from "../system/sysctl-folder.ts";
import { type BatchOperation, runBatch } from "./apply-batch.ts";
import { type RouteOperation, sendTrain } from "./apply-route.ts";
import { type SysctlOperation, writeSysctls } from "./apply-sysctl.ts";
import type { Operation } from "./plan.ts";

/** Steps done so far, and how many there are. */
export type Progress = (done: number, total: number) => void;

export interface ApplyOptions {
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
}

/** Steps that are done in one go: few milliseconds of a small step, tens of a large one. */
const GROUP = 64;
/** Steps that one process of a tool is given. */
const BATCH = 4096;
/** A long build must leave room for Ctrl-C. */
const TURN_MS = 10;

/**
 * Carries out a plan, mostly from within this process: a tool is started only for what a person asked
 * for beyond a plain lab. Namespaces that it makes or enters are left open in `open`.
 */
export async function applyPlan(
  site: Site,
  operations: readonly Operation[],
  open: OpenNamespaces,
  options: ApplyOptions = {},
): Promise<void> {
  const sysctls = new SysctlFolder();
  try {
    await applyAll({ site, open, sysctls }, operations, options);
  } finally {
    sysctls.close();
  }
}

/** What steps are carried out with. */
interface Means {
  site: Site;
  open: OpenNamespaces;
  sysctls: SysctlFolder;
}

async function applyAll(
  means: Means,
  operations: readonly Operation[],
  options: ApplyOptions,
): Promise<void> {
  let turn = performance.now();
  for (let at = 0; at < operations.length; ) {
    options.signal?.throwIfAborted();
    const group = nextGroup(operations, at);
    await applyGroup(means, group);
    at += group.length;
    if (performance.now() - turn < TURN_MS) continue;
    options.progress?.(at, operations.length);
    await new Promise((resolve) => setImmediate(resolve));
    turn = performance.now();
  }
  options.progress?.(operations.length, operations.length);
}

/** The steps from `at` on that go together: one kind, and but for new namespaces in one namespace. */
function nextGroup(operations: readonly Operation[], at: number): Operation[] {
  const first = operations[at];
  if (first === undefined) return [];
  const most = ["ip", "bridge", "nft"].includes(first.kind) ? BATCH : GROUP;
  const limit = Math.min(operations.length, at + most);
  let end = at + 1;
  for (; end < limit; end++) {
    const next = operations[end];
    if (next === undefined || next.kind !== first.kind) break;
    if (next.kind !== "netns" && next.namespace !== first.namespace) break;
    // Requests name devices by number: what makes them must be done before.
    if (makesDevice(next) !== makesDevice(first)) break;
  }
  return operations.slice(at, end);
}

function makesDevice(operation: Operation): boolean {
  return operation.kind === "route" && ["bridge", "veth"].includes(operation.request.kind);
}

async function applyGroup(means: Means, group: readonly Operation[]): Promise<void> {
  const { site, open, sysctls } = means;
  const [first] = group;
  switch (first?.kind) {
    case "netns":
      makeNamespaces(site, group, open);
      break;
    case "sysctl":
      writeSysctls(open.get(first.namespace), group as readonly SysctlOperation[], sysctls.next());
      break;
    case "route":
      sendTrain(group as readonly RouteOperation[], open);
      break;
    case "ip":
    case "bridge":
    case "nft":
      await runBatch(site, group as readonly BatchOperation[]);
  }
}

function makeNamespaces(site: Site, group: readonly Operation[], open: OpenNamespaces): void {
  const made = group.map(({ namespace: name }) => {
    const namespace = makeNamespace(name);
    open.add(namespace);
    return namespace;
  });
  site.nameNamespaces(made);
}

function makeNamespace(name: string) {
  try {
    return newNamespace(name);
  } catch (cause) {
    if (!(cause instanceof SystemCallError)) throw cause;
    const full = cause.code === "ENOSPC" ? "; /proc/sys/user/max_net_namespaces is reached" : "";
    throw new BridgescopeError(`no network namespace could be made (${cause.message}${full})`, 1, {
      cause,
    });
  }
}
