import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { idleTime } from "../../../src/system/progress.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** How long it seems to have done nothing, at most, while it was looked at for a while. */
async function longestIdle(script: string): Promise<number> {
  const child = spawn("sh", ["-c", script], { stdio: "ignore" });
  children.push(child);
  const idle = idleTime(child.pid ?? 0);
  let longest = 0;
  for (let look = 0; look < 20; look++) {
    await sleep(20);
    longest = Math.max(longest, idle());
  }
  return longest;
}

test("a process that sleeps is told from one that is busy", async () => {
  const [sleeping, busy] = [
    await longestIdle("sleep 30; true"),
    await longestIdle("while :; do :; done"),
  ];
  expect(sleeping).toBeGreaterThan(200);
  expect(busy).toBeLessThan(sleeping / 2);
});

test("a process that is gone has been idle since it was", async () => {
  expect(await longestIdle("exit 0")).toBeGreaterThan(0);
});
