import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { completeRun } from "../fixtures/report/runs.ts";
import { bridgescope, scratch } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { homes } from "../integration/live/home.ts";
import { attributesOf, obeyed, tags, withoutScript } from "../unit/report/markup.ts";
import { trials, wasCalledFor } from "./trials.ts";

let folder: ReturnType<typeof scratch>;
beforeAll(() => {
  folder = scratch();
});
afterAll(() => folder?.remove());

const NAMES = wasCalledFor ? 200 : 60;
/** IFNAMSIZ, without the NUL. */
const LONGEST = 15;
/** Made in the folder that the command runs in, if anything in a name is executed. */
const TRAP = "PWN";

/** What shells, terminals, spreadsheets, browsers, printf and option parsers take for something else than a name. */
const PARTS = [
  ...[
    `$(>${TRAP})`,
    `\`>${TRAP}\``,
    `;>${TRAP};`,
    `|>${TRAP}`,
    `&>${TRAP}`,
    "$HOME",
    "$0",
    "~",
    "*",
  ],
  ...[
    "<b>",
    "<script>",
    "</title>",
    "<img src=x>".slice(0, 4),
    "&lt;",
    '"',
    "'",
    "-->",
    "]]>",
    "{{7*7}}",
  ],
  ...[
    "\u001b[2J",
    "\u001b]0;x",
    "\u0007",
    "\u0001",
    "\u007f",
    "\u009b31m",
    "\u202e",
    "\ufeff",
    "\u200b",
  ],
  ...[
    "=1+1",
    "+1",
    "-1",
    "@SUM",
    "|--",
    "[x](j:)",
    "**",
    "__",
    "||",
    "![",
    "#",
    "a,b",
    "--help",
    "-rf",
    "-",
  ],
  ...[
    "__proto__",
    "constructor",
    "null",
    "NaN",
    "0",
    "host",
    "all",
    "lo.",
    "...",
    "é",
    "漢",
    "🦊",
    "\\",
    "\\n",
  ],
];

it("names that try to be code, markup or escapes do nothing, wherever they are shown", async () => {
  await trials(
    `${NAMES} hostile names, of bridges, ports, namespaces, folders, plans and runs`,
    1,
    async (random) => {
      const before = hostState();
      const names = namesFrom(random, NAMES + 5);
      const [bridge = "", outName = "", first = "", second = "", third = "", ...ports] = names;
      const named = join("/run/netns", third);
      const undo: (() => void)[] = [];
      const all = homes();
      const home = await all.add();
      try {
        build(home.enter, bridge, ports);
        const out = join(folder.path, outName);
        rmSync(out, { recursive: true, force: true });
        mkdirSync(out);
        const at = ["--netns", home.path];
        const plan = join(out, `${first}.yaml`);
        const topologies = [{ topology: bridge, workload: second }];
        writeFileSync(
          plan,
          JSON.stringify({ [third]: third, defaults: { note: first }, cases: topologies }),
        );
        const runs = [first, second].map((name) => storedRun(out, name, third));
        mkdirSync("/run/netns", { recursive: true });
        writeFileSync(named, "", { flag: "wx" });
        undo.unshift(() => unlinkSync(named));
        execFileSync("mount", ["--bind", home.path, named]);
        undo.unshift(() => execFileSync("umount", [named]));
        const run = (...words: string[]) => bridgescope([...words], { NO_COLOR: "1" });
        for (const [status, words] of [
          [
            [0, 3],
            ["explain", ...at, "--no-probes", "--", bridge],
          ],
          [
            [0, 3],
            ["explain", ...at, "--duration", "1s", "--out", join(out, "explain"), "--", bridge],
          ],
          [[0], ["watch", ...at, "--duration", "1s"]],
          [[2], ["bench", "--topology", bridge, "--workload", outName]],
          [[2], ["bench", plan]],
          [[2], ["report", join(out, bridge)]],
          [[0], ["watch", "--duration", "1s", `--netns=${third}`]],
          ...["terminal", "markdown", "html", "gobench"].map(
            (format) => [[0], ["report", `--format=${format}`, "--", runs[0] ?? ""]] as const,
          ),
          [
            [0, 3],
            ["compare", "--", ...runs],
          ],
          [
            [1, 2],
            ["lab", "show", bridge],
          ],
        ] as const) {
          const { code, stdout, stderr } = await run(...words);
          const what = `${words[0]} of ${JSON.stringify(names)}: ${stderr}`;
          expect(status, what).toContain(code);
          expect(obeyed(stdout + stderr.replaceAll("\r", "")), what).toBeNull();
          expect(stderr, what).not.toMatch(/unexpected|^\s+at /m);
        }
        const { stdout, code } = await run("watch", ...at, "--duration", "1s", "--json");
        expect(code).toBe(0);
        const record = JSON.parse(stdout.split("\n")[0] ?? "");
        expect(record.ports).toHaveLength(ports.length + 1);
        const page = withoutScript(readFileSync(join(out, "explain", "explain.html"), "utf8"));
        expect(attributesOf(page).filter((name) => name.startsWith("on"))).toEqual([]);
        expect(tags(page).filter((name) => ["b", "img", "iframe"].includes(name))).toEqual([]);
        for (const name of readdirSync(join(out, "explain"))) {
          expect(obeyed(readFileSync(join(out, "explain", name), "utf8")), name).toBeNull();
        }
      } finally {
        for (const step of undo) step();
        await all.leave();
      }
      expect(existsSync(TRAP)).toBe(false);
      expect(await hostChanges(before, 2000)).toEqual({});
    },
  );
});

/** Different ones, each of them legal for dev_valid_name(). */
function namesFrom(random: () => number, count: number): string[] {
  const names = new Set<string>();
  while (names.size < count) {
    const parts = Array.from(
      { length: 1 + Math.floor(random() * 3) },
      () => PARTS[Math.floor(random() * PARTS.length)],
    );
    const name = parts.join("").replace(/[/:\s%\u00a0]/g, "");
    const bytes = Buffer.from(name);
    if (bytes.length > LONGEST || bytes.includes(0xa0)) continue;
    if (!["", ".", "..", "lo", "all", "default"].includes(name)) names.add(name);
  }
  return [...names];
}

/** A run in a folder of that name, and of that plan. */
function storedRun(folder: string, name: string, plan: string): string {
  const path = join(folder, `run ${name}`);
  mkdirSync(path);
  const run = completeRun();
  writeFileSync(
    join(path, "run.json"),
    JSON.stringify({ ...run, id: name, provenance: { ...run.provenance, plan } }),
  );
  return path;
}

/** A bridge with a port of each name, in a namespace of its own. */
function build(enter: readonly string[], bridge: string, ports: readonly string[]): void {
  const [file = "", ...words] = enter;
  const ip = (...rest: string[]) => execFileSync(file, [...words, "ip", "link", ...rest]);
  ip("add", "name", bridge, "type", "bridge");
  ip("set", "dev", bridge, "up");
  for (const [index, port] of ports.entries()) {
    ip("add", "name", port, "type", "veth", "peer", "name", `peer${index}`);
    ip("set", "dev", port, "master", bridge, "up");
  }
}
