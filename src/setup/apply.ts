import { writeFileSync } from "node:fs";
import { BridgescopeError, PrerequisiteError, ToolError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { openRouteSocket, RefusedMessage, type RouteSocket } from "../system/netlink.ts";
import {
  inNamespace,
  type NetworkNamespace,
  newNamespace,
  type OpenNamespaces,
} from "../system/netns.ts";
import { IFLA_BR_FDB_MAX_LEARNED, writeRequest } from "../system/rtnetlink.ts";
import type { Site } from "../system/site.ts";
import { SysctlFolder } from "../system/sysctl-folder.ts";
import { printable } from "../text/printable.ts";
import { BRIDGE_OPTIONS } from "./options.ts";
import { NF_CALL_SYSCTLS, type Operation } from "./plan.ts";
import { asCommand } from "./plan-text.ts";

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

export type BatchOperation = Extract<Operation, { kind: "ip" | "bridge" | "nft" }>;

/** Hands steps of one namespace to one process of the tool. */
async function runBatch(site: Site, group: readonly BatchOperation[]): Promise<void> {
  const first = group[0];
  if (first === undefined) return;
  const result = await site.run(first.kind, first.kind === "nft" ? ["-f", "-"] : ["-batch", "-"], {
    namespace: first.namespace,
    input: `${group.map((operation) => operation.words.join(" ")).join("\n")}\n`,
  });
  if (result.exitCode === 0) return;
  const line = Number(/Command failed -:(\d+)/.exec(result.stderr)?.[1] ?? 1);
  throw batchRefusal(group[line - 1] ?? first, result.stderr);
}

/** What a kernel lacks that refuses to be filled; null where the step is of another kind. */
function missingForFill({ kind, words }: BatchOperation): string | null {
  if (kind === "nft") return "nft_rules takes a kernel with CONFIG_NF_TABLES_BRIDGE";
  return words[0] === "vlan" ? "vlans takes a kernel with CONFIG_BRIDGE_VLAN_FILTERING" : null;
}

/** Tells a missing kernel feature (exit 4) from a failure, and names the CONFIG option. */
function batchRefusal(operation: BatchOperation, stderr: string): Error {
  // What follows the first line of a word that ip does not know is its whole usage.
  const line =
    stderr
      .replace(/Command failed.*/s, "")
      .trim()
      .split("\n")[0] ?? "";
  const said = printable(line) || "no reason given";
  const command = `${operation.kind} ${operation.words.join(" ")}`;
  const fill = /not supported|No such file/i.test(said) ? missingForFill(operation) : null;
  if (fill !== null) return new PrerequisiteError(`${fill} (${said})`);
  const option = Object.keys(BRIDGE_OPTIONS).find((name) => operation.words.includes(name));
  if (
    option !== undefined &&
    /not supported|unknown|Invalid argument|What is|garbage/i.test(said)
  ) {
    const config = BRIDGE_OPTIONS[option]?.config;
    const needs = config === undefined ? "a newer kernel and iproute2" : `a kernel with ${config}`;
    return new PrerequisiteError(`${option} is not to be had here (${said}): it takes ${needs}`);
  }
  return new ToolError(operation.kind, `${command} failed: ${said}`);
}

export type SysctlOperation = Extract<Operation, { kind: "sysctl" }>;

/** Writes network sysctls of one namespace. */
function writeSysctls(
  namespace: NetworkNamespace,
  group: readonly SysctlOperation[],
  folder: string,
): void {
  inNamespace(namespace, () => {
    for (const operation of group) writeOne(operation, folder);
  });
}

function writeOne(operation: SysctlOperation, folder: string): void {
  const path = `${folder}/${operation.key.replaceAll(".", "/")}`;
  try {
    writeFileSync(path, operation.value);
  } catch (cause) {
    const optional =
      operation.key.startsWith("net.ipv6.") || NF_CALL_SYSCTLS.includes(operation.key);
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    // No IPv6 or no br_netfilter in this kernel: then it is off already.
    if (
      missing &&
      optional &&
      operation.value === (operation.key.startsWith("net.ipv6.") ? "1" : "0")
    )
      return;
    if (missing && NF_CALL_SYSCTLS.includes(operation.key)) {
      throw new PrerequisiteError(
        "nf_call=1 takes br_netfilter: modprobe br_netfilter, or a kernel with CONFIG_BRIDGE_NETFILTER",
        { cause },
      );
    }
    throw cause;
  }
}

export type RouteOperation = Extract<Operation, { kind: "route" }>;

/** Sends steps of one namespace to the kernel as one train of messages. */
export function sendTrain(group: readonly RouteOperation[], open: OpenNamespaces): void {
  const [first] = group;
  if (first === undefined) return;
  const socket = openRouteSocket(open.get(first.namespace));
  const known = new Map<string, number>();
  const numbers = {
    ifindex: (device: string) => {
      const ifindex = known.get(device) ?? socket.ifindex(device);
      if (ifindex === 0) {
        throw new BridgescopeError(
          `${first.namespace} has no device ${printable(device)} any more`,
        );
      }
      known.set(device, ifindex);
      return ifindex;
    },
    namespace: (name: string) => open.get(name).fd,
  };
  try {
    socket.send((train) => {
      for (const { request } of group) writeRequest(train, request, numbers);
    });
    for (const { request } of group) {
      if (request.kind === "limit") requireLimit(socket, numbers.ifindex(request.device));
    }
  } catch (error) {
    throw error instanceof RefusedMessage
      ? routeRefusal(group[error.index] ?? first, error)
      : error;
  } finally {
    socket.close();
  }
}

function requireLimit(socket: RouteSocket, ifindex: number): void {
  if (socket.bridgeNumber(ifindex, IFLA_BR_FDB_MAX_LEARNED) !== null) return;
  throw new PrerequisiteError("fdb_max_learned is not to be had here: it takes Linux 6.7 or later");
}

/** Tells a kind of device that this kernel does not have (exit 4) from a failure. */
function routeRefusal(operation: RouteOperation, cause: RefusedMessage): Error {
  const said = cause.said === "" ? cause.code : `${cause.code}: ${printable(cause.said)}`;
  const { kind } = operation.request;
  if ((kind === "bridge" || kind === "veth") && cause.code === "EOPNOTSUPP") {
    return new PrerequisiteError(
      `no ${kind} is to be had here (${said}): it takes a kernel with CONFIG_${kind.toUpperCase()}, or \`modprobe ${kind}\``,
      { cause },
    );
  }
  const command = printable(asCommand(operation));
  return new BridgescopeError(`the kernel refused what \`${command}\` asks (${said})`, 1, {
    cause,
  });
}
