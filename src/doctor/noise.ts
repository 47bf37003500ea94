import { type ForeignProbe, foreignText } from "../document/foreign.ts";
import { ForeignProbes } from "../probes/foreign.ts";
import { printable } from "../text/printable.ts";
import { inConfig } from "./bridge-support.ts";
import { type Finding, finding } from "./finding.ts";
import type { KernelConfig } from "./kernel-config.ts";
import { ask, readFolder, readLine, readText } from "./read.ts";

export interface NoiseFacts {
  onlineCpus: number;
  /** Distinct governors over all CPUs; empty where the frequency is not ours to read. */
  governors: string[];
  clocksource: string;
  clocksources: string[];
  virtualization: string | null;
  /** Share of CPU time since boot that the hypervisor gave to others. */
  steal: number | null;
  load: number | null;
  smt: boolean | null;
  backlog: number | null;
  nohzFull: string;
  mitigations: Record<string, string>;
}

const CPU = "/sys/devices/system/cpu";
const CLOCKSOURCE = "/sys/devices/system/clocksource/clocksource0";
const GOOD_CLOCKSOURCES = ["tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page"];
/** A bridge has at most 1023 ports (BR_MAX_PORTS), and a flood queues a copy for each at once. */
const BRIDGE_PORTS = 1023;
const BUSY_SHARE = 0.5;
const STEAL_SHARE = 0.01;

export async function readNoiseFacts(): Promise<NoiseFacts> {
  const [online, governors, clocksource, clocksources, cpuinfo, stat, loadavg, smt, backlog, nohz] =
    await Promise.all([
      readLine(`${CPU}/online`),
      readGovernors(),
      readLine(`${CLOCKSOURCE}/current_clocksource`),
      readLine(`${CLOCKSOURCE}/available_clocksource`),
      readText("/proc/cpuinfo"),
      readText("/proc/stat"),
      readLine("/proc/loadavg"),
      readLine(`${CPU}/smt/active`),
      readLine("/proc/sys/net/core/netdev_max_backlog"),
      readLine(`${CPU}/nohz_full`),
    ]);
  return {
    onlineCpus: countCpus(online ?? "0"),
    governors,
    clocksource: clocksource ?? "unknown",
    clocksources: (clocksources ?? "").split(" ").filter((name) => name !== ""),
    virtualization: await readVirtualization(cpuinfo ?? ""),
    steal: parseSteal(stat ?? ""),
    load: loadavg === null ? null : Number.parseFloat(loadavg),
    smt: smt === null ? null : smt === "1",
    backlog: backlog === null ? null : Number(backlog),
    nohzFull: nohz === null || nohz === "(null)" ? "" : nohz,
    mitigations: await readMitigations(),
  };
}

/** How many CPUs a kernel list names: `0-3,8` is five. */
export function countCpus(list: string): number {
  let count = 0;
  for (const part of list.split(",")) {
    const [first, last] = part.split("-").map(Number);
    if (first === undefined || Number.isNaN(first) || part === "") continue;
    count += (last ?? first) - first + 1;
  }
  return count;
}

/** Share of time since boot in the `steal` column of /proc/stat; null where there is none. */
export function parseSteal(stat: string): number | null {
  const fields = /^cpu +(.+)$/m.exec(stat)?.[1]?.split(/ +/).map(Number);
  const steal = fields?.[7];
  if (fields === undefined || steal === undefined) return null;
  // guest and guest_nice (the last two) are contained in user and nice.
  const total = fields.slice(0, 8).reduce((sum, value) => sum + value, 0);
  return total === 0 ? null : steal / total;
}

async function readGovernors(): Promise<string[]> {
  const cpus = (await readFolder(CPU)).filter((name) => /^cpu\d+$/.test(name));
  const governors = await Promise.all(
    cpus.map((name) => readLine(`${CPU}/${name}/cpufreq/scaling_governor`)),
  );
  return [...new Set(governors.filter((name) => name !== null))].sort();
}

async function readVirtualization(cpuinfo: string): Promise<string | null> {
  const xen = await readLine("/sys/hypervisor/type");
  if (xen !== null) return xen;
  if (!/^flags\s*:.*\bhypervisor\b/m.test(cpuinfo)) return null;
  const lscpu = await ask("lscpu", []);
  const vendor = /^Hypervisor vendor:\s*(.+)$/m.exec(lscpu?.stdout ?? "")?.[1];
  return printable(vendor ?? "hypervisor");
}

async function readMitigations(): Promise<Record<string, string>> {
  const folder = `${CPU}/vulnerabilities`;
  const entries = await Promise.all(
    (await readFolder(folder)).map(async (name) => [name, await readLine(`${folder}/${name}`)]),
  );
  return Object.fromEntries(entries.filter(([, text]) => text !== null));
}

/** Other people's probes on a frame's way; null where nobody may look for them. */
export function readForeignProbes(): ForeignProbe[] | null {
  const probes = ForeignProbes.open();
  if (probes === null) return null;
  try {
    return probes.look([], true).map((key) => probes.describe(key));
  } finally {
    probes.close();
  }
}

export function foreignFinding(probes: readonly ForeignProbe[] | null): Finding {
  const none = probes === null ? "not looked for: it takes CAP_SYS_ADMIN" : "none";
  const some = probes !== null && probes.length > 0;
  return finding({
    id: "noise/foreign-probes",
    status: some ? "warning" : "ok",
    observed: some ? foreignText(probes) : none,
    meaning: some
      ? "every frame of every bridge on this host pays for them, and a run says that it was measured under them: end them first if they need not be"
      : "other people's probes on a frame's way would slow every frame",
  });
}

export function noiseFindings(facts: NoiseFacts, config: KernelConfig | null): Finding[] {
  return [
    cpus(facts),
    governor(facts),
    clocksource(facts),
    virtualization(facts),
    load(facts),
    backlog(facts),
    tick(facts, config),
    mitigations(facts),
  ];
}

function cpus({ onlineCpus, smt }: NoiseFacts): Finding {
  const id = "noise/cpus";
  const threads = smt ? ", hyper-threads share cores" : "";
  const observed = `${onlineCpus} online${threads}`;
  if (onlineCpus >= 2 && !smt) {
    const meaning = "sender and receiver each get a CPU of their own";
    return finding({ id, status: "ok", observed, meaning });
  }
  return finding({
    id,
    status: "warning",
    observed,
    meaning: smt
      ? "two busy threads of one core slow each other down"
      : "sender, receiver and probes take turns on one CPU; latencies include the waiting",
    remedy: smt ? `echo off > ${CPU}/smt/control` : null,
  });
}

function governor({ governors }: NoiseFacts): Finding {
  const id = "noise/governor";
  if (governors.length === 0) {
    return finding({
      id,
      status: "ok",
      observed: "unreadable",
      meaning: "the frequency is not this system's to set; compare only interleaved rounds",
    });
  }
  const steady = governors.length === 1 && governors[0] === "performance";
  return finding({
    id,
    status: steady ? "ok" : "warning",
    observed: governors.join(", "),
    meaning: steady
      ? "the clock frequency is not lowered between rounds"
      : "the clock frequency follows the load, and latencies follow the frequency",
    remedy: steady
      ? null
      : `echo performance | tee ${CPU}/cpu*/cpufreq/scaling_governor >/dev/null`,
  });
}

function clocksource({ clocksource, clocksources }: NoiseFacts): Finding {
  const good = GOOD_CLOCKSOURCES.includes(clocksource);
  return finding({
    id: "noise/clocksource",
    status: good ? "ok" : "warning",
    observed: clocksource,
    meaning: good
      ? "reading the time costs some ten nanoseconds"
      : "every probe reads the time, and here that is slow",
    remedy:
      !good && clocksources.includes("tsc")
        ? `echo tsc > ${CLOCKSOURCE}/current_clocksource`
        : null,
  });
}

function virtualization({ virtualization, steal }: NoiseFacts): Finding {
  const id = "noise/virtualization";
  if (virtualization === null) {
    const meaning = "no hypervisor takes time away";
    return finding({ id, status: "ok", observed: "none seen", meaning });
  }
  const stolen = steal === null ? "steal unreadable" : `${(steal * 100).toFixed(2)} % stolen`;
  return finding({
    id,
    status: "warning",
    observed: `${virtualization}, ${stolen} since boot`,
    meaning:
      steal !== null && steal > STEAL_SHARE
        ? "other machines take CPU time; rounds that lose much of it are worth nothing"
        : "neighbours on the same hardware are unseen; compare only interleaved rounds",
  });
}

function load({ load, onlineCpus }: NoiseFacts): Finding {
  const busy = load !== null && load > BUSY_SHARE * onlineCpus;
  return finding({
    id: "noise/load",
    status: busy ? "warning" : "ok",
    observed: load === null ? "unreadable" : `load average ${load} on ${onlineCpus} CPUs`,
    meaning: busy
      ? "other programs compete for the CPUs; see `top` for which"
      : "little else is running",
  });
}

function backlog({ backlog }: NoiseFacts): Finding {
  const small = backlog !== null && backlog < BRIDGE_PORTS;
  return finding({
    id: "noise/backlog",
    status: small ? "warning" : "ok",
    observed: `net.core.netdev_max_backlog = ${backlog ?? "unreadable"}`,
    meaning: small
      ? "a flood over a large bridge overflows it; such copies are counted as drops"
      : "one flooded frame fits, even over a bridge of 1023 ports; a fast flood may not",
    remedy: small ? "sysctl -w net.core.netdev_max_backlog=5000" : null,
  });
}

function tick({ nohzFull }: NoiseFacts, config: KernelConfig | null): Finding {
  const rate = config?.options.get("CONFIG_HZ");
  const idle = inConfig(config, "CONFIG_NO_HZ_COMMON") === "built in" ? ", none while idle" : "";
  const ticks = rate === undefined ? "rate unreadable" : `${rate} a second${idle}`;
  return finding({
    id: "noise/tick",
    status: "ok",
    observed: nohzFull === "" ? ticks : `${ticks}, none on CPUs ${nohzFull}`,
    meaning: "a frame that the timer interrupts shows as a high percentile",
  });
}

function mitigations({ mitigations }: NoiseFacts): Finding {
  const active = Object.values(mitigations).filter((text) => text.startsWith("Mitigation"));
  return finding({
    id: "noise/mitigations",
    status: "ok",
    observed: `${active.length} active of ${Object.keys(mitigations).length} known`,
    meaning: "they make every indirect call dearer; compare only hosts where they are the same",
  });
}
