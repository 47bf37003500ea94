import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bridgescope, scratch } from "./bench/cli.ts";
import { floodLab } from "./explain/lab.ts";
import { BEHIND_SUDO, homeAndSecret, NOBODY } from "./nobody.ts";

const RUN = ["bench", "--topology", "veth", "--workload", "forward", "--backend", "off"];
const SHORT = [...RUN, "--rounds", "1", "--duration", "50ms"];

let folder: ReturnType<typeof scratch>;
/** The caller's. */
let home: string;
/** Root's alone, with a file. */
let secret: string;
let victim: string;

beforeEach(() => {
  folder = scratch();
  chmodSync(folder.path, 0o755);
  ({ home, secret, victim } = homeAndSecret(folder.path));
});
afterEach(() => folder.remove());

function linkTo(target: string): string {
  const link = join(home, "link");
  symlinkSync(target, link);
  return link;
}

function owners(of: string): Set<number> {
  const inside = readdirSync(of, { recursive: true, encoding: "utf8" });
  return new Set([of, ...inside.map((name) => join(of, name))].map((path) => lstatSync(path).uid));
}

const untouched = () => {
  expect(readFileSync(victim, "utf8")).toBe("as it was");
  expect(readdirSync(secret)).toEqual(["victim"]);
  expect(lstatSync(victim).uid).toBe(0);
};

describe("behind sudo", () => {
  it("all that a run writes is the caller's", async () => {
    const out = join(home, "a", "b");
    expect((await bridgescope([...SHORT, "--out", out], BEHIND_SUDO)).code).toBe(0);
    expect(owners(join(home, "a"))).toEqual(new Set([NOBODY]));
    const again = await bridgescope([...SHORT, "--out", out], BEHIND_SUDO);
    expect([again.code, readdirSync(out).length]).toEqual([0, 3]);
  });

  it("a comparison of two topologies is the caller's, too", async () => {
    const out = join(home, "versus");
    const words = ["bench", "--topology", "veth", "--vs", "veth", "--workload", "forward"];
    const result = await bridgescope([...words, "--rounds", "40", "--out", out], BEHIND_SUDO);
    expect([0, 3]).toContain(result.code);
    expect(owners(out)).toEqual(new Set([NOBODY]));
  });

  it("a bundle and a report of an explanation are the caller's", async () => {
    const lab = await floodLab();
    try {
      const [bundle, out] = [join(home, "bundle"), join(home, "out")];
      const where = ["explain", "br0", "--netns", String(lab.bridge.pid), "--no-probes"];
      const result = await bridgescope([...where, "--bundle", bundle, "--out", out], BEHIND_SUDO);
      expect(result.code).toBe(0);
      expect(owners(bundle)).toEqual(new Set([NOBODY]));
      expect(owners(out)).toEqual(new Set([NOBODY]));
    } finally {
      await lab.leave();
    }
  });

  it.each([
    ["a folder of root's", () => secret],
    ["a link to one", () => linkTo(secret)],
    ["a new folder in one", () => join(secret, "new")],
  ])("%s is not written into", async (_, out) => {
    const result = await bridgescope([...SHORT, "--out", out()], BEHIND_SUDO);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/cannot be written to \(EACCES/);
    untouched();
  });
});

describe("a link that was planted where a file goes", () => {
  it.each([
    ["symbolic", symlinkSync],
    ["hard", linkSync],
  ])("(%s) is replaced, and what it leads to is as it was", async (_, plant) => {
    const out = join(home, "out");
    mkdirSync(out);
    for (const name of ["run.json", "report.html", "report.md"]) plant(victim, join(out, name));
    if (plant === symlinkSync) plant(victim, join(out, "journal.ndjson"));
    for (const env of [BEHIND_SUDO, {}]) {
      chownSync(out, NOBODY, NOBODY);
      const result = await bridgescope([...SHORT, "--out", out], env);
      expect(result.code).toBe(0);
      untouched();
      expect(lstatSync(join(out, "run.json")).isFile()).toBe(true);
    }
  });
});

describe("what is left of root", () => {
  /** What a command's main thread may do when it ends. */
  async function atItsEnd(args: string[], env: Record<string, string>): Promise<string> {
    const probe = join(folder.path, "probe.mjs");
    writeFileSync(
      probe,
      `import { readFileSync } from "node:fs";
process.on("exit", () => {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  const word = (name) => new RegExp("^" + name + ":\\\\s*(\\\\S+)", "m").exec(status)[1];
  process.stderr.write(["uid", process.getuid(), word("CapPrm"), word("NoNewPrivs")].join(" ") + "\\n");
});`,
    );
    const options = `--import ${pathToFileURL(probe).href}`;
    const result = await bridgescope(args, { ...env, NODE_OPTIONS: options });
    return /^uid .*$/m.exec(result.stderr)?.[0] ?? result.stderr;
  }

  const OVERRIDE = "0000000000000002";
  const NONE = "0000000000000000";

  it.each([
    ["schema", ["schema", "run"]],
    ["report", ["report", "nowhere"]],
    ["compare", ["compare", "nowhere", "nowhere"]],
    ["completion", ["completion", "bash"]],
  ])("for %s: rights over files, or the caller's alone", async (_, args) => {
    expect(await atItsEnd(args, {})).toBe(`uid 0 ${OVERRIDE} 1`);
    expect(await atItsEnd(args, BEHIND_SUDO)).toBe(`uid ${NOBODY} ${NONE} 1`);
  });

  it("for the reports of a run, the same", async () => {
    const args = [...SHORT, "--out", join(home, "out")];
    expect(await atItsEnd(args, BEHIND_SUDO)).toBe(`uid ${NOBODY} ${NONE} 1`);
    expect(await atItsEnd(args, {})).toBe(`uid 0 ${OVERRIDE} 1`);
  });
});
