import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ExplainOptions, explainBridge } from "../../../src/explain/explain.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";
import { type FloodLab, floodLab, macOf } from "./lab.ts";

const GONE = "02:00:00:00:99:99";

let lab: FloodLab;
let before: HostState;
let folder: string;

beforeEach(async () => {
  before = hostState();
  lab = await floodLab();
  folder = mkdtempSync(path.join(tmpdir(), "bridgescope-pcap-"));
});
afterEach(async () => {
  await lab.leave();
  rmSync(folder, { recursive: true, force: true });
  expect(await hostChanges(before, 3000)).toEqual({});
});

function explaining(options: ExplainOptions) {
  const netns = String(lab.bridge.pid);
  return explainBridge({ bridge: "br0", netns, seconds: 2, maxOverhead: 1, ...options });
}

/** What tcpdump reads out of a file, a line a frame. */
function framesOf(file: string): string[] {
  const read = ["-r", file, "-n", "-e", "-t"];
  return execFileSync("tcpdump", read, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .trim()
    .split("\n");
}

it("keeps the first frames of a flooded flow, and makes no port promiscuous", async () => {
  const flags = () => lab.shell("ip -d link").replace(/timer +[\d.]+/g, "timer");
  const untouched = flags();
  let over = false;
  let during = "";
  const answer = explaining({ pcap: folder }).finally(() => {
    over = true;
  });
  while (!over) {
    lab.got("c", { from: "a", to: GONE, count: 30 });
    lab.got("c", { from: "b", to: macOf("c"), count: 1 });
    during = flags();
    await sleep(20);
  }
  const [finding] = (await answer).findings;
  expect(finding?.captures).toEqual([path.join(folder, "flow-1.pcap")]);
  expect(readdirSync(folder)).toEqual(["flow-1.pcap"]);
  expect(during).toBe(untouched);
  const [file = ""] = finding?.captures ?? [];
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const frames = framesOf(file);
  expect(frames.length).toBeGreaterThan(10);
  expect(frames.length).toBeLessThanOrEqual(100);
  for (const frame of frames) expect(frame).toContain(`${macOf("a")} > ${GONE}`);
});

it("leaves alone a folder that holds something, and is about frames", async () => {
  writeFileSync(path.join(folder, "mine"), "text");
  await expect(explaining({ pcap: folder })).rejects.toThrow("is not empty");
  expect(readdirSync(folder)).toEqual(["mine"]);
  await expect(explaining({ pcap: folder, probes: false })).rejects.toThrow(
    "--no-probes looks at no frames",
  );
  const masked = { pcap: folder, bundle: path.join(folder, "bundle"), mask: true };
  await expect(explaining(masked)).rejects.toThrow("--mask cannot hide what is in them");
});
