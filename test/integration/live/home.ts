import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { closeNamespace, inNamespace, openPath } from "../../../src/system/netns.ts";
import { type Machine, newMachine } from "../external/machine.ts";

/** A namespace that /proc shows, for a process lives in it. */
export interface Home extends Machine {
  pid: number;
  path: string;
  /** Runs what is synchronous as if our process were there. */
  inside<T>(action: () => T): T;
  leave(): Promise<void>;
}

async function newHome(): Promise<Home> {
  const machine = newMachine();
  const [file = "", ...words] = [...machine.enter, "sleep", "7200"];
  const child = spawn(file, words, { stdio: "ignore" });
  const pid = child.pid ?? 0;
  const path = `/proc/${pid}/ns/net`;
  while (readFileSync(`/proc/${pid}/comm`, "utf8") !== "sleep\n") await sleep(5);
  return {
    ...machine,
    pid,
    path,
    inside: (action) => {
      const namespace = openPath("home", path);
      try {
        return inNamespace(namespace, action);
      } finally {
        closeNamespace(namespace);
      }
    },
    leave: async () => {
      await end(child);
      machine.close();
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Homes that go when their test does. */
export function homes(): { add(): Promise<Home>; leave(): Promise<void> } {
  const open: Home[] = [];
  return {
    add: async () => {
      const home = await newHome();
      open.push(home);
      return home;
    },
    leave: async () => {
      for (const home of open.splice(0)) await home.leave();
    },
  };
}
