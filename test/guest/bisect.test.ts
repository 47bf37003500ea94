import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ensureImage, parseKernelSpec } from "../../src/kernels/index.ts";
import { bridgescope, scratch } from "../integration/bench/cli.ts";
import { KERNELS, whyNoGuests } from "./guest.ts";

const GOOD = "debian:bookworm";
/** Its bridge takes more instructions for a frame than the one before: see docs/kernels.md. */
const BAD = "debian:trixie";

const lacking = await whyNoGuests([GOOD]);
if (lacking !== null) process.stdout.write(`skipped: --bisect: ${lacking}\n`);

const folder = scratch();
afterAll(() => folder.remove());

const PLAN = ["--topology", "bridge:2", "--workload", "forward", "--rounds", "2"];
const counted = (kernel: string, ...more: string[]) =>
  bridgescope(["bench", "--kernel", kernel, "--clock", "icount", "--boots", "2", ...PLAN, ...more]);

test.skipIf(lacking !== null)("--bisect ends as git bisect run reads it", async () => {
  const baseline = join(folder.path, "good");
  const first = await counted(GOOD, "--seed", "1", "--out", baseline);
  expect(first.stderr).not.toMatch(/^\s+at /m);
  expect(first.code).toBe(0);

  const judge = async (kernel: string) => {
    const out = join(folder.path, "judged");
    const run = join(baseline, "debian-bookworm");
    const how = ["--bisect", "--baseline", run, "--seed", "9", "--out", out];
    return (await counted(kernel, ...how)).code;
  };
  expect(await judge(GOOD)).toBe(0);
  const { vmlinuz } = await ensureImage(parseKernelSpec(GOOD));
  const cut = join(folder.path, "bzImage");
  writeFileSync(cut, readFileSync(vmlinuz).subarray(0, 1_000_000));
  expect(await judge(cut)).toBe(125);
  if (KERNELS.includes(BAD)) expect(await judge(BAD)).toBe(1);
});
