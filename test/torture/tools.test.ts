import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { whyNoGuests } from "../guest/guest.ts";
import { bridgescope } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { KERNEL, type Place } from "./commands.ts";
import { stage } from "./stage.ts";
import { inTime, trials } from "./trials.ts";

const at = stage();

const LIMIT_MS = 10_000;

const HANG = "sleep 300; true";
const LATER = "hangs, but says its version";
const { PATH } = process.env;
/** What a tool does instead of its work; null is that it is not there. */
const MISDEEDS: Record<string, string | null> = {
  "is missing": null,
  "exits with 3": "exit 3",
  // Its child holds on to the output.
  hangs: HANG,
  [LATER]: `case " $* " in *" --version "*|*" -V "*) PATH='${PATH}'; exec "\${0##*/}" "$@";; esac; ${HANG}`,
  "prints garbage": "echo garbage",
  "prints 100 MB": "yes garbage | head -c 100000000",
};

type Command = (place: Place) => string[];
const bench = (topology: string, workload: string, ...more: string[]): Command => {
  const short = ["--rounds", "1", "--duration", "50ms"];
  const sessions = more.includes("off") ? [] : ["--latency-sessions", "1"];
  const words = [
    "bench",
    ...short,
    ...sessions,
    "--topology",
    topology,
    "--workload",
    workload,
    ...more,
  ];
  return ({ out }) => [...words, "--out", out];
};
const explain: Command = ({ lab: { bridge }, out }) => [
  ...["explain", "br0", "--netns", String(bridge.pid), "--duration", "1s"],
  ...["--pcap", join(out, "flood.pcap")],
];

/** Each tool that we start, and a command that starts it. */
const COMMANDS: [tool: string, command: Command][] = [
  ["ip", bench("bridge:2", "forward")],
  ["bridge", bench("bridge:2", "forward")],
  ["bpftrace", bench("bridge:2", "forward")],
  ["bpftool", bench("bridge:2", "forward")],
  ["setpriv", bench("bridge:2", "ping")],
  ["unshare", bench("bridge:2", "forward")],
  ["nft", bench("bridge:2,nft_rules=2", "forward")],
  ["ping", bench("bridge:2", "ping", "--backend", "off")],
  ["iperf3", bench("bridge:2", "tcp-stream", "--engine", "iperf3", "--backend", "off")],
  ["bpftrace", explain],
  ["tcpdump", explain],
];

/** It is booted before anything is built, so that the kernel takes no part in this. */
const QEMU: [tool: string, command: Command] = [
  "qemu-system-x86_64",
  bench("bridge:2", "forward", "--kernel", KERNEL),
];

interface Misbehaviour {
  tool: string;
  command: Command;
  misdeed: string;
  script: string | null;
}

async function misbehaviours(): Promise<Misbehaviour[]> {
  const lacking = await whyNoGuests([KERNEL]);
  if (lacking !== null)
    process.stdout.write(`not tried: a ${QEMU[0]} that misbehaves: ${lacking}\n`);
  return [...COMMANDS, ...(lacking === null ? [QEMU] : [])].flatMap(([tool, command]) =>
    Object.entries(MISDEEDS)
      // Nothing floods here, and tcpdump is asked for its version only.
      .filter(([misdeed]) => tool !== "tcpdump" || misdeed !== LATER)
      .map(([misdeed, script]) => ({ tool, command, misdeed, script })),
  );
}

it("a tool that misbehaves is named, nothing is concluded from it, and the host is clean", async () => {
  const all = await misbehaviours();
  // All in turn, as many as are called for, and others each time where few are.
  let first = 0;
  await trials(
    "a tool that is missing, fails, hangs, or prints garbage or 100 MB",
    3,
    async (random, index) => {
      if (index === 0) first = Math.floor(random() * all.length);
      await tryOne(all[(first + index) % all.length] as Misbehaviour);
    },
  );
});

async function tryOne({ tool, command, misdeed, script }: Misbehaviour) {
  const here = at.place();
  mkdirSync(here.out, { recursive: true });
  const path = pathWith(tool, script, join(here.out, "..", "bin"));
  const before = hostState();
  const began = Date.now();
  const args = command(here);
  const result = await bridgescope(args, { ...here.env, PATH: path });
  const what = `${args[0]}, ${tool} ${misdeed}: ended with ${result.code} after ${Date.now() - began} ms: ${result.stderr}`;
  expect([1, 4], what).toContain(result.code);
  expect(result.stdout + result.stderr, what).toContain(tool);
  expect(result.stderr, what).not.toMatch(/unexpected|^\s+at /m);
  expect(inTime(began, LIMIT_MS), what).toBe(true);
  expect(await hostChanges(before, 2000), what).toEqual({});
  const document = join(here.out, "run.json");
  const cases = existsSync(document) ? JSON.parse(readFileSync(document, "utf8")).cases : [];
  expect(
    cases.filter(({ state }: { state: string }) => state === "complete"),
    what,
  ).toEqual([]);
}

/** A PATH on which the machine's tools are, but for this one. */
function pathWith(tool: string, script: string | null, bin: string): string {
  mkdirSync(bin);
  for (const from of ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"]) {
    for (const name of existsSync(from) ? readdirSync(from) : []) {
      if (name === tool || existsSync(join(bin, name))) continue;
      symlinkSync(join(from, name), join(bin, name));
    }
  }
  if (script !== null) {
    writeFileSync(join(bin, tool), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, tool), 0o755);
  }
  return bin;
}
