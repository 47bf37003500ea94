import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { closeNamespace, newNamespace } from "../../../src/system/netns.ts";

/** A network namespace in the place of the host's, so that a test's bridges are in nobody's way. */
export interface Machine {
  /** Words in front of a command that is to run there. */
  enter: string[];
  /** One of our set-up scripts, run there: `add` or `del`, and a name. */
  script(file: string, ...words: string[]): string[];
  /** What an ip command prints there. */
  ip(...words: string[]): string;
  /** Names of its network devices, once they are these or the time is over. */
  devicesOnce(expected: string[], limitMs?: number): Promise<string[]>;
  close(): void;
}

export function fixture(file: string): string {
  return fileURLToPath(new URL(`../../fixtures/external/${file}`, import.meta.url));
}

export function newMachine(): Machine {
  const namespace = newNamespace("machine");
  const enter = ["nsenter", `--net=/proc/${process.pid}/fd/${namespace.fd}`];
  const inside = (words: string[]) => run([...enter, ...words]);
  inside(["ip", "link", "set", "lo", "up"]);
  const ip = (...words: string[]) => inside(["ip", ...words]);
  const devices = () =>
    (JSON.parse(ip("-j", "link")) as { ifname: string }[]).map((link) => link.ifname).sort();
  return {
    enter,
    script: (file, ...words) => [...enter, fixture(file), ...words],
    ip,
    devicesOnce: async (expected, limitMs = 3000) => {
      const wanted = JSON.stringify([...expected].sort());
      const deadline = Date.now() + limitMs;
      while (JSON.stringify(devices()) !== wanted && Date.now() < deadline) await sleep(50);
      return devices();
    },
    close: () => closeNamespace(namespace),
  };
}

export function run([file = "", ...words]: string[]): string {
  return execFileSync(file, words, { encoding: "utf8" });
}
