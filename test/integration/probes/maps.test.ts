import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseBackend } from "../../../src/probes/backend.ts";
import { NONCE, type ProbeSession, startProbes } from "../../../src/probes/bpftrace.ts";
import { ToolError } from "../../../src/system/errors.ts";
import { openPrivateSite, type Site } from "../../../src/system/site.ts";

const PROGRAM = `BEGIN
{
	@alone = count(); @alone = count();
	@unattributed[(uint64)3, (uint64)1 << 40] = count();
	@added[(uint64)7] = sum((uint64)5); @added[(uint64)7] = sum((uint64)6);
	@pair[(uint64)2] = ((uint64)9, (uint64)1 << 48);
	@few[(uint64)1] = count(); @few[(uint64)2] = count();
}
tracepoint:syscalls:sys_enter_sched_get_priority_max
{
	if ((uint64)args->policy >> 8 == $1) { printf("ready\\n"); }
}
`;

let site: Site;
let session: ProbeSession;
beforeEach(async () => {
  site = await openPrivateSite();
  const { bpftraceVersion } = await chooseBackend("tracepoint");
  const program = { name: "maps.bt", text: PROGRAM, dropped: [], bpftraceVersion };
  session = await startProbes(site, { ...program, parameters: [NONCE], mapKeys: 2 });
});
afterEach(async () => {
  await session?.kill();
  await site?.close();
});

describe("the maps of a program", () => {
  it("are read by the names that it gives them, with keys and without", async () => {
    const found = await session.stop((maps) => ({
      alone: maps.counts("alone").map(([, count]) => count),
      keyed: maps.counts("unattributed"),
      added: maps.counts("added"),
      pair: maps.tuples("pair"),
      absent: ["absent", "pair"].map(maps.has),
      full: maps.full(["few", "added"]),
    }));
    expect(found).toEqual({
      alone: [2],
      keyed: [[[3n, 1n << 40n], 1]],
      added: [[[7n], 11]],
      pair: [[[2n], [9n, 1n << 48n]]],
      absent: [false, true],
      full: ["the map @few is full: what came last is missing"],
    });
    expect(session.records).toEqual({ lost: 0, errors: [] });
  });

  it("are not read when it has ended before its time", async () => {
    const ended = once(session.child.process, "exit");
    process.kill(session.child.pid, "SIGKILL");
    await ended;
    await expect(session.stop((maps) => maps.counts("added"))).rejects.toThrow(ToolError);
  });

  it("are not read when it ends meanwhile", async () => {
    process.kill(session.child.pid, "SIGSTOP");
    const read = session.stop((maps) => {
      process.kill(session.child.pid, "SIGKILL");
      // Long enough for it to be gone, which only a turn of our own loop would tell us.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      return maps.counts("added");
    });
    await expect(read).rejects.toThrow(ToolError);
  });
});
