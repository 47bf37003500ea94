/** What /proc says of processes; those that are gone by now say nothing. */
import { readdirSync, readFileSync } from "node:fs";

/** By number, and so mostly by age. */
export function processes(): number[] {
  return numericEntries("/proc").sort((a, b) => a - b);
}

export function threadsOf(pid: number): number[] {
  return numericEntries(`/proc/${pid}/task`);
}

function numericEntries(folder: string): number[] {
  return entries(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function commandOf(pid: number): string {
  return textOf(`/proc/${pid}/comm`).trimEnd();
}

/** The unified hierarchy's, or the longest of the others. */
export function cgroupOf(pid: number): string | null {
  const paths = textOf(`/proc/${pid}/cgroup`)
    .split("\n")
    .map((line) => line.split(":").slice(2).join(":"))
    .filter((path) => path !== "");
  return paths.sort((a, b) => b.length - a.length)[0] ?? null;
}

/** The id of the container that a cgroup is of: what Docker, containerd, CRI-O and Podman name by 64 hex digits. */
export function containerId(cgroup: string): string | null {
  return /(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:\/|$)/.exec(cgroup)?.[1] ?? null;
}

/** The words it was started with. */
export function wordsOf(pid: number): string[] {
  return textOf(`/proc/${pid}/cmdline`).split("\0");
}

/** Names of the tun and tap devices that it holds open. */
export function tunDevices(pid: number): string[] {
  return entries(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const name = /^iff:\t(.+)$/m.exec(textOf(`/proc/${pid}/fdinfo/${fd}`))?.[1];
    return name === undefined ? [] : [name];
  });
}

/** The names in a folder; none where it is not there. */
export function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
