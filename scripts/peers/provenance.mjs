import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { inRoot } from "../lib/repository.mjs";
import { versionLine } from "./output.mjs";

const TOOLS = {
  iperf3: ["--version"],
  trafgen: ["--version"],
  sockperf: ["--version"],
  netperf: ["-V"],
  mn: ["--version"],
  ip: ["-V"],
  cc: ["--version"],
};

/** Where and with what the run was made. */
export function provenanceOf({ pairs, seed, only }) {
  const words = ["--pairs", pairs, "--seed", seed, ...(only === null ? [] : ["--only", only])];
  return {
    command: `npm run bench:peers -- ${words.join(" ")}`,
    date: new Date().toISOString(),
    pairs,
    seed,
    kernel: release(),
    cpu: cpus()[0]?.model ?? "unknown",
    cpus: availableParallelism(),
    load: { before: load(), after: null },
    tools: { bridgescope: ourVersion(), node: process.version, ...versions() },
  };
}

export function load() {
  return Number(loadavg()[0].toFixed(2));
}

function ourVersion() {
  return JSON.parse(readFileSync(inRoot("package.json"), "utf8")).version;
}

function versions() {
  const found = Object.entries(TOOLS).flatMap(([tool, words]) => {
    const { error, stdout, stderr } = spawnSync(tool, words, { encoding: "utf8" });
    return error === undefined ? [[tool, versionLine(stdout || stderr)]] : [];
  });
  return Object.fromEntries(found);
}
