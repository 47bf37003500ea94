import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, expect, test } from "vitest";
import { APP } from "../../src/kernels/app.ts";
import {
  cacheFolder,
  ensureImage,
  ensureUserland,
  parseKernelSpec,
} from "../../src/kernels/index.ts";
import { readRun } from "../../src/store/runs.ts";
import { bridgescope, scratch, start } from "../integration/bench/cli.ts";
import { hostChanges, hostState } from "../integration/host-state.ts";
import { cacheFiles, halfMadeBy } from "../integration/kernels/cache-files.ts";
import { cannot } from "../skipped.ts";
import { whyNoGuests } from "./guest.ts";

const KERNEL = "debian:bookworm";

const lacking = await whyNoGuests([KERNEL]);
const without = cannot("kernels that go wrong", lacking);
const inGuests = test.skipIf(without);

const folder = scratch();
afterAll(() => folder.remove());

inGuests("a kernel that panics is said to have, with its last words", async () => {
  const job = ["sh", "-c", "echo c > /proc/sysrq-trigger"];
  const result = await bridgescope(["kernels", "run", KERNEL, "--", ...job]);
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/the guest's kernel 6\.1\.\S+ panicked \(sysrq triggered crash\)/);
  expect(result.stderr).toMatch(/the last lines of its console:\n {2}\[ /);
  expect(result.stderr).not.toMatch(/^\s+at /m);
});

inGuests("a kernel without bridge and veth is named with what to do", async () => {
  // Debian's has both as modules, which an image alone does not bring.
  const image = await imageAlone();
  const out = join(folder.path, "out");
  const result = await bridgescope(["bench", "--kernel", image, "quick", "--out", out]);
  expect(result.code).toBe(4);
  expect(result.stderr).toMatch(
    /this kernel has no bridge \(CONFIG_BRIDGE\) and no veth \(CONFIG_VETH\): .*--modules/,
  );
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(readdirSync(out)).toEqual([]);
});

inGuests("one kernel that fails does not cost the other's run, and the status is 4", async () => {
  const image = await imageAlone();
  const out = join(folder.path, "two");
  const kernels = ["--kernel", KERNEL, "--kernel", image];
  const what = ["--topology", "bridge:2", "--workload", "forward", "--rounds", "1"];
  const result = await bridgescope(["bench", ...kernels, ...what, "--out", out]);
  expect(result.code).toBe(4);
  expect(result.stderr).toContain("CONFIG_BRIDGE");
  expect(readdirSync(out)).toEqual(["debian-bookworm", "journal.ndjson"]);
  const run = readRun(join(out, "debian-bookworm"));

  // The boot that was finished is not made again.
  const again = await bridgescope(["bench", "--resume", out]);
  expect(again.code).toBe(4);
  expect(again.stderr).toContain("CONFIG_BRIDGE");
  const kept = readRun(join(out, "debian-bookworm"));
  expect(kept.cases).toEqual(run.cases);
  expect(kept.id).toBe(run.id);
  expect(kept.provenance).toEqual({ ...run.provenance, resumedAt: [expect.any(String)] });
});

inGuests(
  "a kernel that is locked down is named with what to do, by all that look at frames",
  async () => {
    const ours = `node ${APP}/dist/cli/main.js`;
    const job = [
      "mount -t securityfs none /sys/kernel/security",
      "echo confidentiality > /sys/kernel/security/lockdown",
      "ip link add br0 type bridge && ip link set br0 up",
      ...[`${ours} watch br0 --json`, `${ours} explain br0`].map(
        (one) => `${one}; echo "status $?"`,
      ),
    ].join("\n");
    const result = await bridgescope(["kernels", "run", KERNEL, "--", "sh", "-c", job]);
    expect([result.stdout.match(/status \d+/g), result.stderr]).toEqual([
      ["status 4", "status 4"],
      expect.stringMatching(/(kernel\/lockdown: .*boot with lockdown=integrity[\s\S]*){2}/),
    ]);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  },
);

inGuests("Ctrl-C while a guest runs: no qemu left, nothing half made", async () => {
  const before = hostState();
  const command = start(["kernels", "run", KERNEL, "--", "sleep", "600"]);
  await command.saw("job begins");
  command.process.kill("SIGINT");
  const { code, stderr } = await command.finished;
  expect(code).toBe(130);
  expect(stderr).toContain("interrupted");
  expect(halfMadeBy(command)).toEqual([]);
  expect(await hostChanges(before, 2000)).toEqual({});
});

inGuests("SIGKILL while a guest runs: no qemu left, and `lab gc` clears the rest", async () => {
  const before = hostState();
  const command = start(["kernels", "run", KERNEL, "--", "sleep", "600"]);
  await command.saw("job begins");
  command.process.kill("SIGKILL");
  await command.finished;
  expect(await hostChanges(before, 5000)).toEqual({});
  expect(halfMadeBy(command)).not.toEqual([]);
  const next = await bridgescope(["lab", "gc"]);
  expect(next.code).toBe(0);
  expect(next.stdout).toContain("removed a dead guest's ");
  expect(halfMadeBy(command)).toEqual([]);
});

inGuests("Ctrl-C while the userland is unpacked: no half one, no process left", async () => {
  const before = hostState();
  const cache = join(folder.path, "cache");
  const command = start(["kernels", "pull", KERNEL], { XDG_CACHE_HOME: cache });
  // More than the archive's lists and packages: some of these are unpacked.
  await expect.poll(() => cacheFiles(cache).length, { timeout: 300_000 }).toBeGreaterThan(1000);
  command.process.kill("SIGINT");
  const { code, stderr } = await command.finished;
  expect(code).toBe(130);
  expect(stderr).toContain("interrupted");
  expect(cacheFiles(cache)).toEqual([]);
  expect(await hostChanges(before, 2000)).toEqual({});
});

inGuests("what was damaged in the cache is made anew", async () => {
  const home = join(folder.path, "damaged");
  const cache = join(home, "bridgescope", "kernels");
  for (const shelf of SHELVES) {
    cpSync(join(cacheFolder(), shelf), join(cache, shelf), { recursive: true });
  }
  const inCopy = (file: string) => join(cache, relative(cacheFolder(), file));
  const image = inCopy(await imageAlone());
  // Of the same length: only the checksum tells.
  const data = readFileSync(image);
  data.writeUInt8(data.readUInt8(1_000_000) ^ 1, 1_000_000);
  writeFileSync(image, data);
  truncateSync(inCopy((await ensureUserland()).cpio), 1000);
  expect(damagedFiles(cache)).toEqual(["vmlinuz", "userland.cpio"]);

  const pull = async () => {
    const result = await bridgescope(["kernels", "pull", KERNEL], { XDG_CACHE_HOME: home });
    expect([result.code, result.stdout]).toEqual([0, expect.stringMatching(/^debian:bookworm +6/)]);
    expect(damagedFiles(cache)).toEqual([]);
  };
  await pull();
  expect(readdirSync(join(cache, "userlands"))).toHaveLength(1);
  const ids = readdirSync(join(cache, "images")).filter((id) => id.startsWith("debian-bookworm"));
  expect(ids).toHaveLength(1);
  truncateSync(join(cache, "images", ids.join(), "manifest.json"), 100);
  await pull();
});

const SHELVES = ["images", "userlands"];

/** Names of the files that are not what their manifests say. */
function damagedFiles(cache: string): string[] {
  const things = SHELVES.flatMap((shelf) =>
    readdirSync(join(cache, shelf)).map((id) => join(cache, shelf, id)),
  );
  return things.flatMap((thing) => {
    const { files } = JSON.parse(readFileSync(join(thing, "manifest.json"), "utf8"));
    return Object.keys(files).filter((name) => {
      const data = readFileSync(join(thing, name));
      return createHash("sha256").update(data).digest("hex") !== files[name].sha256;
    });
  });
}

async function imageAlone(): Promise<string> {
  return (await ensureImage(parseKernelSpec(KERNEL))).vmlinuz;
}
