import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { start } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { stage } from "./stage.ts";
import { pick, trials } from "./trials.ts";

const at = stage();

const only = (...capabilities: string[]) => {
  const set = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  return ["setpriv", "--bounding-set", set, "--inh-caps", set];
};
const without = (path: string) => [
  ...["unshare", "--mount", "sh", "-ec", `mount -t tmpfs none ${path}; exec "$@"`, "sh"],
];

/** What a process may lack, how it comes to lack it, and what the sentence then names. */
const LACKS: [what: string, enter: string[], named: RegExp][] = [
  ["no capability", only(), /CAP_SYS_ADMIN/],
  ["NET_ADMIN alone", only("net_admin"), /CAP_SYS_ADMIN/],
  ["BPF and PERFMON alone", only("bpf", "perfmon"), /CAP_SYS_ADMIN/],
  ["no BTF", without("/sys/kernel/btf"), /BTF|\/sys\/kernel\/btf/],
];
const REMEDY = /run it as root|as the host's root|boot a distribution kernel/;

it("tracefs that is not mounted is mounted for the run alone", async () => {
  const here = at.place();
  const before = hostState();
  const words = ["explain", "br0", "--netns", String(at.lab.bridge.pid), "--duration", "1s"];
  const result = await start(words, here.env, without("/sys/kernel/tracing")).finished;
  expect([result.code, result.stderr]).toEqual([0, expect.any(String)]);
  expect(await hostChanges(before, 2000)).toEqual({});
});

it("what lacks a right says so, with the remedy, and ends with 4", async () => {
  const cases = LACKS.flatMap((lack) =>
    ["bench", "lab", "watch", "explain"].map((command) => ({ lack, command })),
  ).filter(({ lack: [what], command }) => what !== "no BTF" || command !== "lab");
  await trials("rights that are missing, for any command", 3, async (random) => {
    const {
      lack: [what, enter, named],
      command,
    } = pick(random, cases);
    const here = at.place();
    mkdirSync(join(here.out, ".."), { recursive: true });
    const live = ["br0", "--netns", String(at.lab.bridge.pid), "--duration", "1s"];
    const words = {
      bench: [
        "--topology",
        "bridge:2",
        "--workload",
        "forward",
        "--rounds",
        "1",
        "--out",
        here.out,
      ],
      lab: ["up", "veth", "--name", "rights"],
      watch: [...live, "--json"],
      explain: live,
    }[command];
    const before = hostState();
    const result = await start([command, ...(words ?? [])], here.env, enter).finished;
    const said = `${command}, ${what}: ended with ${result.code}: ${result.stderr}`;
    expect(result.code, said).toBe(4);
    expect(result.stderr, said).toMatch(named);
    expect(result.stderr, said).toMatch(REMEDY);
    expect(result.stderr, said).not.toMatch(/unexpected|^\s+at /m);
    expect(await hostChanges(before, 2000)).toEqual({});
  });
});
