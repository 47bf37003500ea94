/** What README and docs tell people to type does run: every block that is marked `sh`, page by page, as it stands there. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FULL } from "../full.ts";
import { blocksIn, commandsIn } from "../unit/docs/markdown.ts";
import { MAIN, scratch } from "./bench/cli.ts";
import { hostChanges, hostState, tagged } from "./host-state.ts";

const PAGES = [
  "README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].map((path) => ({
  path,
  blocks: blocksIn(readFileSync(path, "utf8"))
    .filter(({ language, text }) => language === "sh" && !text.startsWith("#!"))
    .map(({ text }) => text),
}));

/** In namespaces of its own: docker0 with three containers, and br0 in a namespace that is called web. */
const STAGE = `
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link set lo up
attach() {
  ip netns add "$2"
  ip link add "veth-$2" type veth peer name eth0 netns "$2"
  ip link set "veth-$2" master "$1" up
  ip -n "$2" link set eth0 up
}
ip link add docker0 type bridge
ip link set docker0 up
for name in c1 c2 c3; do attach docker0 "$name"; done
`;
const IN_WEB = `
ip netns add web
ip -n web link add br0 type bridge
ip -n web link set br0 up
for name in d1 d2; do
  ip netns add "$name"
  ip -n web link add "$name" type veth peer name eth0 netns "$name"
  ip -n web link set "$name" master br0 up
  ip -n "$name" link set eth0 up
done
`;

/** Takes a second where it says how long, or takes long by itself, and few rounds in the place of a budget. */
const SHORTLY = `
case "$*" in *--vs*) rounds=40 ;; *) rounds=2 ;; esac
before=
for word; do
  shift
  case "$before $word" in
    --duration*[0-9]ms) ;;
    --duration*) word=1s ;;
    --budget*) word=$rounds ;;
  esac
  before=$word
  test "$word" != --budget || word=--rounds
  set -- "$@" "$word"
done
case "$*" in *--duration* | *--no-probes*) ;; explain*) set -- "$@" --duration 1s ;; esac
case "$*" in
  *--vs* | *--resume* | *--latency-sessions* | *marginal* | *icount* | *"--backend off"*) ;;
  bench*) set -- "$@" --latency-sessions 1 ;;
esac
`;

/** A watch without --duration is for a person to end; 3 says what was found, and is no failure of the command. */
const shim = (how: string, lookS: number) => `#!/bin/sh
${how}
case "$*" in
  *--duration*) ;;
  watch*) exec timeout --preserve-status -s INT ${lookS} '${process.execPath}' '${MAIN}' "$@" ;;
esac
code=0
'${process.execPath}' '${MAIN}' "$@" || code=$?
test "$code" = 3 || exit "$code"
`;

describe.each(PAGES.filter(({ blocks }) => blocks.length > 0))("$path", ({ path, blocks }) => {
  const script = blocks.join("\n");

  test("has commands", () => {
    expect(commandsIn(script).length).toBeGreaterThan(0);
  });

  test("can be typed, and takes less time here", () => typed(shim(SHORTLY, 2)));
  test("can be typed as it stands", FULL, () => typed(shim("", 4)));

  async function typed(bridgescope: string): Promise<void> {
    const before = hostState();
    const folder = scratch();
    try {
      const bin = join(folder.path, "bin");
      const work = join(folder.path, "work");
      for (const made of [bin, work]) mkdirSync(made);
      writeFileSync(join(bin, "bridgescope"), bridgescope);
      chmodSync(join(bin, "bridgescope"), 0o755);
      // A lab that is called web is made by the page itself.
      const stage = script.includes("lab up") ? STAGE : STAGE + IN_WEB;
      const { code, said } = await ran(`${stage}\nset -x\n${script}`, work, bin);
      expect({ path, code, said: code === 0 ? "" : said.slice(-3000) }).toEqual({
        path,
        code: 0,
        said: "",
      });
    } finally {
      folder.remove();
    }
    expect(await hostChanges(before, 5000)).toEqual({});
  }
});

test("a command that does not exist would be noticed", async () => {
  const { code } = await ran("bridgescope nonsense | cat", "/", "/");
  expect(code).not.toBe(0);
});

async function ran(script: string, cwd: string, bin: string) {
  const words = ["--mount", "--net", "bash", "-euo", "pipefail", "-c", script];
  const child = spawn("unshare", words, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...tagged,
      PATH: `${bin}:${process.env.PATH}`,
      XDG_STATE_HOME: join(cwd, "state"),
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      said += String(data);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}
