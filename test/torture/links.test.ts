import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bridgescope } from "../integration/bench/cli.ts";
import { hostChanges, hostState, tagged } from "../integration/host-state.ts";
import { BEHIND_SUDO, homeAndSecret, NOBODY } from "../integration/nobody.ts";
import { stage } from "./stage.ts";
import { pick, trials } from "./trials.ts";

const at = stage();

const NAMES = ["run.json", "report.html", "report.md", "journal.ndjson", "explain.html"];

function victims(folder: string) {
  for (let above = folder; above !== at.folder; above = join(above, "..")) {
    mkdirSync(above, { recursive: true });
    chmodSync(above, 0o755);
  }
  chmodSync(at.folder, 0o755);
  return homeAndSecret(folder);
}

/** All of a folder: names, inodes, owners, rights, and what is in the files. */
const picture = (folder: string) =>
  [folder, ...readdirSync(folder).map((name) => join(folder, name))].map((path) => {
    const { ino, uid, mode, nlink } = lstatSync(path);
    const text = lstatSync(path).isFile() ? readFileSync(path, "utf8") : "";
    return [path, ino, uid, mode, path === folder ? 0 : nlink, text];
  });

/** Of nobody's: it puts a link to `target` in the place of `path`, and what was there back, for ever. */
const RACE = `
const fs = require("node:fs");
const [path, target, home] = process.argv.slice(1);
const attempt = (act) => { try { act(); } catch {} };
fs.readdirSync(home);
process.stdout.write("go");
for (;;) {
  attempt(() => fs.renameSync(path, path + ".kept"));
  attempt(() => fs.symlinkSync(target, path));
  for (const end = performance.now() + Math.random(); performance.now() < end; );
  attempt(() => { if (fs.lstatSync(path).isSymbolicLink()) fs.unlinkSync(path); });
  attempt(() => fs.renameSync(path + ".kept", path));
  for (const end = performance.now() + Math.random(); performance.now() < end; );
}`;

async function race(path: string, target: string, home: string): Promise<() => Promise<void>> {
  const nobody = ["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups"];
  const words = [...nobody, "--pdeathsig", "KILL", "--", process.execPath, "-e", RACE];
  const racer = spawn("setpriv", [...words, path, target, home], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...tagged },
  });
  const ended = once(racer, "exit").then(([code]) => code);
  const begun = await Promise.race([once(racer.stdout, "data"), ended]);
  if (!Array.isArray(begun)) throw new Error(`the racer ended with ${begun}`);
  return async () => {
    racer.kill("SIGKILL");
    await ended;
  };
}

it("links that are planted where it writes, before or meanwhile, lead it nowhere", async () => {
  await trials("links planted where it writes", 2, async (random) => {
    const here = at.place();
    const { home, secret, victim } = victims(join(here.out, ".."));
    const out = join(home, "out");
    const before = hostState();
    const racing = random() < 0.5;
    // Plain root writes where it is told to; what lies in that folder may be anybody's.
    const sudo = racing || random() < 0.7;
    const targets = [victim, secret, join(secret, "new")];
    let [linked, links] = [0, 0];
    if (!sudo || random() < 0.7) {
      mkdirSync(out);
      for (const name of NAMES.filter(() => random() < 0.5)) {
        const hard = random() < 0.5;
        if (hard) linkSync(victim, join(out, name));
        else symlinkSync(pick(random, targets), join(out, name));
        links += Number(hard);
        linked++;
      }
      if (sudo) chownSync(out, NOBODY, NOBODY);
    } else symlinkSync(pick(random, targets), out);
    const was = picture(secret);
    const raced = pick(random, [out, ...NAMES.map((name) => join(out, name))]);
    const stop = racing ? await race(raced, pick(random, targets), home) : async () => {};
    const words = pick(random, [
      [
        ...["bench", "--topology", "veth", "--workload", "forward", "--backend", "off"],
        ...["--rounds", "2", "--duration", "50ms", "--out", out],
      ],
      ["explain", "br0", "--netns", String(at.lab.bridge.pid), "--no-probes", "--out", out],
    ]);
    const env = { ...here.env, ...(sudo ? BEHIND_SUDO : {}) };
    const { code, stderr } = await bridgescope(words, env).finally(stop);
    const said = `${words[0]}, ${sudo ? "behind sudo" : "root"}, ${linked} planted${racing ? `, racing for ${raced}` : ""}: ended with ${code}: ${stderr}`;
    // In a folder of its own, whatever lies in it is replaced.
    const replaces = !racing && lstatSync(out, { throwIfNoEntry: false })?.isDirectory();
    expect(replaces ? [0, 3] : [0, 1, 2, 3], said).toContain(code);
    expect(stderr, said).not.toMatch(/unexpected|^\s+at /m);
    // A name that was replaced is one link less to the victim, and that is all.
    const now = picture(secret);
    const without = (all: typeof now) => all.map((row) => row.toSpliced(4, 1));
    expect(without(now), said).toEqual(without(was));
    expect(lstatSync(victim).nlink, said).toBeLessThanOrEqual(1 + links);
    if (sudo && existsSync(out) && lstatSync(out).isDirectory()) {
      const written = readdirSync(out).map((name) => lstatSync(join(out, name)));
      const ours = written.filter(({ ino }) => ino !== lstatSync(victim).ino);
      for (const stat of ours) if (stat.isFile()) expect(stat.uid, said).toBe(NOBODY);
    }
    rmSync(home, { recursive: true, force: true });
    expect(await hostChanges(before, 2000), said).toEqual({});
  });
});
