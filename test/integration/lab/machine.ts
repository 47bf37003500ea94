import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { collectGarbage } from "../../../src/setup/gc.ts";
import { dropLab } from "../../../src/setup/kept.ts";
import { currentOwner } from "../../../src/setup/ownership.ts";
import type { LabState } from "../../../src/setup/state.ts";
import { claimState, releaseState } from "../../../src/setup/state-files.ts";
import { stateNames } from "../../../src/setup/state-folder.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { ownFolder } from "../host-state.ts";

/** Gives each test books of its own, and takes everything in them down afterwards. */
export function useOwnBooks(): { home: string; labs: string } {
  const books = { home: "", labs: "" };
  beforeEach(() => {
    books.home = ownFolder("state");
    books.labs = path.join(books.home, "bridgescope", "labs");
    vi.stubEnv("XDG_STATE_HOME", books.home);
  });
  afterEach(async () => {
    for (const name of stateNames()) await dropLab(name).catch(() => {});
    await collectGarbage().catch(() => {});
    vi.unstubAllEnvs();
    rmSync(books.home, { recursive: true, force: true });
  });
  return books;
}

export const OTHER_BOOT = { ...currentOwner(), bootId: "00000000-0000-4000-8000-000000000000" };

/** Books of a veth lab as a process that is gone would have left them. */
export function left(overrides: Partial<LabState> = {}): LabState {
  const name = labName();
  const id = "deadbeef";
  const state: LabState = {
    schema: "bridgescope.lab/1",
    id,
    name,
    spec: parseTopology("veth"),
    owner: { ...currentOwner(), startTime: 1 },
    phase: "building",
    namespaces: ["sw", "A", "B"].map((part) => ({ name: `bs-${name}-${id}-${part}`, inode: null })),
    createdAt: new Date().toISOString(),
    ...overrides,
  };
  releaseState(claimState(state));
  return state;
}

/** The name of one of its namespaces. */
export function part(state: LabState, index: number): string {
  return state.namespaces[index]?.name ?? "";
}

/** A lab's name that no other run of these tests has. */
export function labName(): string {
  return `t${randomBytes(3).toString("hex")}`;
}

export function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export function shell(script: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync("sh", ["-c", script], { encoding: "utf8" });
}

/** Names under /run/netns that contain `part`, with their inodes; one may go while we look. */
export function namespaces(part: string): Map<string, number> {
  const folder = "/run/netns";
  const names = lstatSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : [];
  return new Map(
    names.flatMap((name): [string, number][] => {
      if (!name.includes(part)) return [];
      const entry = lstatSync(`${folder}/${name}`, { throwIfNoEntry: false });
      return entry === undefined ? [] : [[name, entry.ino]];
    }),
  );
}

/** Pids of a session's living processes. */
export function processesOfSession(session: number): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return fields[0] !== "Z" && Number(fields[3]) === session;
      } catch {
        return false;
      }
    });
}
