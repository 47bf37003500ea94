import { writeFileSync } from "node:fs";
import { PrerequisiteError, ToolError } from "../system/errors.ts";
import { interfaceIndex } from "../system/libc.ts";
import { configureHost, type HostRequest } from "../system/netlink.ts";
import {
  closeNamespace,
  inNamespace,
  type NetworkNamespace,
  openNamespace,
} from "../system/netns.ts";
import { printable } from "../system/printable.ts";
import type { Site } from "../system/site.ts";
import { BRIDGE_OPTIONS } from "./options.ts";
import { NF_CALL_SYSCTLS, type Operation } from "./plan.ts";

/** Steps done so far, and how many there are. */
export type Progress = (done: number, total: number) => void;

const BATCH = 256;
const BATCH_TIMEOUT_MS = 60_000;

type BatchOperation = Extract<Operation, { kind: "ip" | "bridge" }>;
type InsideOperation = Exclude<Operation, BatchOperation>;

/**
 * Carries out a plan. Runs of `ip` and `bridge` steps go through one `-batch` process; what is done
 * inside a host goes through setns and one rtnetlink train, without any process.
 */
export async function applyPlan(
  site: Site,
  operations: readonly Operation[],
  progress: Progress = () => {},
  signal?: AbortSignal,
): Promise<void> {
  for (let at = 0; at < operations.length; ) {
    signal?.throwIfAborted();
    const group = nextGroup(operations, at);
    const first = group[0];
    if (first === undefined) return;
    if (isBatch(first)) await applyBatch(site, group as BatchOperation[]);
    else applyInside(site, first.namespace, group as InsideOperation[]);
    at += group.length;
    progress(at, operations.length);
    // A long build must leave room for Ctrl-C.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function isBatch(operation: Operation): operation is BatchOperation {
  return operation.kind === "ip" || operation.kind === "bridge";
}

function nextGroup(operations: readonly Operation[], at: number): Operation[] {
  const first = operations[at];
  const group: Operation[] = [];
  for (let index = at; index < operations.length && group.length < BATCH; index++) {
    const operation = operations[index];
    if (operation === undefined || first === undefined) break;
    const same = isBatch(first)
      ? operation.kind === first.kind && operation.namespace === first.namespace
      : !isBatch(operation) && operation.namespace === first.namespace;
    if (!same) break;
    group.push(operation);
  }
  return group;
}

async function applyBatch(site: Site, group: readonly BatchOperation[]): Promise<void> {
  const first = group[0];
  if (first === undefined) return;
  const result = await site.run(first.kind, ["-batch", "-"], {
    namespace: first.namespace ?? undefined,
    input: `${group.map((operation) => operation.words.join(" ")).join("\n")}\n`,
    timeoutMs: BATCH_TIMEOUT_MS,
  });
  if (result.exitCode === 0) return;
  const line = Number(/Command failed -:(\d+)/.exec(result.stderr)?.[1] ?? 1);
  throw refusal(group[line - 1] ?? first, result.stderr);
}

/** Tells a missing kernel feature (exit 4) from a failure, and names the CONFIG option. */
function refusal(operation: BatchOperation, stderr: string): Error {
  // What follows the first line of a word that ip does not know is its whole usage.
  const line =
    stderr
      .replace(/Command failed.*/s, "")
      .trim()
      .split("\n")[0] ?? "";
  const said = printable(line) || "no reason given";
  const command = `${operation.kind} ${operation.words.join(" ")}`;
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

function applyInside(site: Site, name: string, group: readonly InsideOperation[]): void {
  const namespace = openNamespace(site.netnsFolder, name);
  try {
    const requests: HostRequest[] = [];
    const sysctls = group.filter((operation) => operation.kind === "sysctl");
    for (const operation of group) {
      switch (operation.kind) {
        case "up":
          requests.push({ kind: "up", ifindex: indexOf(namespace, operation.device) });
          break;
        case "mark":
          requests.push({
            kind: "alias",
            ifindex: indexOf(namespace, operation.device),
            alias: operation.alias,
          });
          break;
        case "address": {
          const [address = "", prefix = ""] = operation.address.split("/");
          const ifindex = indexOf(namespace, operation.device);
          requests.push({ kind: "address", ifindex, address, prefix: Number(prefix) });
          break;
        }
        case "sysctl":
          break;
      }
    }
    if (requests.length > 0) configureHost(namespace, requests);
    if (sysctls.length > 0) inNamespace(namespace, () => sysctls.forEach(writeOne));
  } finally {
    closeNamespace(namespace);
  }
}

function writeOne(operation: { key: string; value: string }): void {
  const path = `/proc/sys/${operation.key.replaceAll(".", "/")}`;
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

function indexOf(namespace: NetworkNamespace, device: string): number {
  const ifindex = inNamespace(namespace, () => interfaceIndex(device));
  if (ifindex === 0)
    throw new Error(`namespace ${namespace.name} has no device ${printable(device)}`);
  return ifindex;
}
