import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Running, start } from "../integration/bench/cli.ts";
import type { FloodLab } from "../integration/explain/lab.ts";

/** Where one trial keeps everything that is its own. */
export interface Place {
  out: string;
  env: Record<string, string>;
  lab: FloodLab;
}

export interface Subject {
  args(place: Place): string[];
  /** Milliseconds from its start within which something is worth being killed in. */
  spanMs: number;
  /** What has to be there first. */
  before?(place: Place): Promise<void>;
  /** SIGKILL leaves something of it to `lab gc`. */
  collected?: boolean;
  /** It boots this kernel. */
  kernel?: string;
}

const LAB = "torture";
export const KERNEL = "debian:bookworm";
const bench = (...words: string[]): Subject["args"] => {
  return ({ out }) => ["bench", ...words, "--duration", "100ms", "--out", out];
};
const live = (name: string, ...words: string[]): Subject["args"] => {
  return ({ lab }) => [name, "br0", "--netns", String(lab.bridge.pid), ...words];
};

/** Every command that makes or holds something of the host's. */
export const SUBJECTS: Record<string, Subject> = {
  bench: {
    args: bench(
      "--topology",
      "bridge:3",
      "--workload",
      "flood",
      "--rounds",
      "20",
      "--latency-sessions",
      "2",
    ),
    spanMs: 8000,
  },
  "bench, streams": {
    args: bench(
      ...["--topology", "bridge:2", "--workload", "tcp-stream", "--workload", "ping"],
      ...["--backend", "off", "--rounds", "10"],
    ),
    spanMs: 4000,
  },
  "bench, iperf3": {
    args: bench("--topology", "bridge:2", "--workload", "tcp-stream", "--engine", "iperf3"),
    spanMs: 5000,
  },
  "bench --vs": {
    args: bench(
      ...["--topology", "bridge:2", "--vs", "bridge:2,nf_call=1", "--workload", "forward"],
      ...["--rounds", "40"],
    ),
    spanMs: 5000,
  },
  "lab up": {
    args: () => ["lab", "up", "bridge:80", "--name", LAB],
    spanMs: 900,
    collected: true,
  },
  "lab down": {
    args: () => ["lab", "down", LAB],
    spanMs: 700,
    collected: true,
    before: async ({ env }) => {
      await start(["lab", "up", "bridge:80", "--name", LAB], env).finished;
    },
  },
  watch: { args: live("watch", "--json"), spanMs: 5000 },
  explain: { args: live("explain", "--json"), spanMs: 5000 },
  "bench --kernel": {
    args: bench(
      ...["--kernel", KERNEL, "--topology", "bridge:2", "--workload", "forward"],
      ...["--rounds", "2", "--latency-sessions", "0"],
    ),
    spanMs: 40_000,
    collected: true,
    kernel: KERNEL,
  },
};

/** A place of its own below `folder`: state and reports. */
export function placeIn(folder: string, temporary: string, lab: FloodLab): Place {
  const own = join(folder, randomBytes(4).toString("hex"));
  return {
    out: join(own, "out"),
    env: { TMPDIR: temporary, XDG_STATE_HOME: join(own, "state") },
    lab,
  };
}

export function begin(subject: Subject, place: Place): Running {
  return start(subject.args(place), place.env);
}
