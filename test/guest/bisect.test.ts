import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ensureImage, parseKernelSpec } from "../../src/kernels/index.ts";
import { FULL } from "../full.ts";
import { bridgescope, scratch } from "../integration/bench/cli.ts";
import { cannot } from "../skipped.ts";
import { KERNELS, whyNoGuests } from "./guest.ts";

const GOOD = "debian:bookworm";
/** Its bridge takes more instructions for a frame than the one before: see docs/kernels.md. */
const BAD = "debian:trixie";

const lacking = await whyNoGuests([GOOD]);
const without = cannot("--bisect", lacking);
const inGuests = test.skipIf(without);

const folder = scratch();
afterAll(() => folder.remove());

const PLAN = ["--topology", "bridge:2", "--workload", "forward", "--rounds", "2"];
const counted = (kernel: string, ...more: string[]) =>
  bridgescope(["bench", "--kernel", kernel, "--clock", "icount", "--boots", "2", ...PLAN, ...more]);

/** Cut off in the middle, so that it does not boot. */
async function cutKernel(): Promise<string> {
  const { vmlinuz } = await ensureImage(parseKernelSpec(GOOD));
  const cut = join(folder.path, "bzImage");
  writeFileSync(cut, readFileSync(vmlinuz).subarray(0, 1_000_000));
  return cut;
}

/** What the judgement of a kernel against a good one ends with. */
async function judge(kernel: string, good: string): Promise<number | null> {
  const out = join(folder.path, "judged");
  const how = ["--bisect", "--baseline", good, "--seed", "9", "--out", out];
  return (await counted(kernel, ...how)).code;
}

inGuests("a kernel that does not boot is neither good nor bad for git bisect", async () => {
  expect(await judge(await cutKernel(), "reports/sample-kernels/debian-bookworm")).toBe(125);
});

inGuests("--bisect ends as git bisect run reads it", FULL, async () => {
  const baseline = join(folder.path, "good");
  const first = await counted(GOOD, "--seed", "1", "--out", baseline);
  expect(first.stderr).not.toMatch(/^\s+at /m);
  expect(first.code).toBe(0);

  const good = join(baseline, "debian-bookworm");
  expect(await judge(GOOD, good)).toBe(0);
  expect(await judge(await cutKernel(), good)).toBe(125);
  if (KERNELS.includes(BAD)) expect(await judge(BAD, good)).toBe(1);
});
