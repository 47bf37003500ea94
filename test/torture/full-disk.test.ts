import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readJournal } from "../../src/store/journal.ts";
import { parseRun } from "../../src/store/runs.ts";
import { scratch, start } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { trials } from "./trials.ts";

let folder: ReturnType<typeof scratch>;
beforeAll(() => {
  folder = scratch();
});
afterAll(() => folder?.remove());

/** A run document of this is some 60 kB, its reports some 200. */
const MOST_KB = 300;

it("a disk that fills up tears no document, and what was there stays", async () => {
  await trials("a disk that fills up during bench", 2, async (random, index) => {
    const kb = 4 + Math.floor(random() * MOST_KB);
    const [disk, copy] = [join(folder.path, `disk${index}`), join(folder.path, `copy${index}`)];
    mkdirSync(disk);
    mkdirSync(copy);
    const before = hostState();
    const inside = [
      `mount -t tmpfs -o size=${kb}k none ${disk}`,
      `echo mine > ${disk}/old`,
      'code=0; "$@" || code=$?',
      `cp -r ${disk}/. ${copy}`,
      "exit $code",
    ].join("; ");
    const words = [
      "bench",
      "--topology",
      "veth",
      "--topology",
      "bridge:2",
      "--workload",
      "forward",
    ];
    const short = ["--rounds", "3", "--duration", "50ms", "--backend", "off"];
    const enter = ["unshare", "--mount", "sh", "-ec", inside, "sh"];
    const args = [...words, ...short, "--out", join(disk, "run")];
    const { code, stderr } = await start(args, {}, enter).finished;
    const said = `${kb} kB: ended with ${code}: ${stderr}`;
    expect([0, 1, 2], said).toContain(code);
    if (code !== 0) expect(stderr, said).toMatch(/no space left|ENOSPC/i);
    expect(stderr, said).not.toMatch(/unexpected|^\s+at /m);
    expect(readFileSync(join(copy, "old"), "utf8")).toBe("mine\n");
    const [run, journal] = ["run.json", "journal.ndjson"].map((name) => join(copy, "run", name));
    const documents = [run ?? ""].filter(existsSync);
    for (const file of documents) parseRun(readFileSync(file, "utf8"), file);
    for (const file of [journal ?? ""].filter(existsSync)) {
      const text = readFileSync(file, "utf8");
      if (text.includes("\n")) readJournal(text, file);
    }
    if (code === 0) expect(readdirSync(join(copy, "run"))).toContain("report.html");
    expect(await hostChanges(before, 2000)).toEqual({});
  });
});
