/** The guard by value: its clock, the load and what the probes cost are made here, a millisecond at a time. */
import { describe, expect, it } from "vitest";
import {
  createGuard,
  type GuardedProbes,
  type GuardMachine,
  type Phase,
} from "../../../src/live/guard.ts";

const LIMIT = 0.02;
/** Of one frame: counted and timed, and counted. */
const COST_NS = { timed: 1000, counted: 500 };
/** Frames/s that take a share of a CPU at such a cost. */
const at = (share: number, costNs: number) => (share * 1e9) / costNs;

/** Loads by what they make of the guard: all timed, all counted, counted for part of the time. */
const EASY = at(LIMIT / 10, COST_NS.timed);
const BUSY = at(LIMIT * 0.75, COST_NS.counted);
const HEAVY = at(LIMIT * 3, COST_NS.counted);
const CRUSHING = at(LIMIT * 40, COST_NS.counted);

/** A machine of its own time, with one guard on it. */
function world(load: number) {
  const controller = new AbortController();
  let [now, frames, drops, cpuNs] = [1000, 0, 0, 0];
  /** One frame in 2^shift is timed; null while the probes are detached. */
  let shift: number | null = null;
  const log: { what: string; at: number }[] = [];
  const pass = (ms: number) => {
    now += ms;
    const came = (here.load * ms) / 1000;
    frames += came;
    drops += (here.dropping * ms) / 1000;
    if (shift !== null) cpuNs += came * COST_NS[shift === 0 ? "timed" : "counted"];
  };
  const probes: GuardedProbes = {
    ready: async () => {},
    attach: async (to) => {
      shift = to;
      log.push({ what: `attach ${to}`, at: now });
    },
    time: (to) => {
      shift = to;
      log.push({ what: `time ${to}`, at: now });
    },
    detach: async () => {
      shift = null;
      log.push({ what: "detach", at: now });
    },
    cost: async (wait) => {
      const [since, spent] = [now, cpuNs];
      await wait();
      return (cpuNs - spent) / Math.max(1, (now - since) * 1e6);
    },
  };
  const machine: GuardMachine = {
    now: () => now,
    sleep: async (ms, signal) => {
      for (let left = ms; left > 0 && !signal.aborted; left--) {
        pass(Math.min(1, left));
        here.onTick(now);
      }
    },
    softnetFrames: () => frames,
    softnetDrops: () => drops,
  };
  const onCount = () => void log.push({ what: "fill", at: now });
  const guard = createGuard({ probes, limit: LIMIT, signal: controller.signal, onCount }, machine);
  const polls: number[] = [];
  const here = {
    load,
    /** Frames/s that softnet drops. */
    dropping: 0,
    onTick: (_now: number) => {},
    abort: () => controller.abort(),
    polls,
    now: () => now,
    attached: () => shift !== null,
    log: () => log.map(({ what }) => what),
    times: (what: string) => log.filter((one) => one.what === what).map((one) => one.at),
    begin: () => guard.begin(() => void polls.push(now)),
    /** A second, and the share of a CPU that the probes really took in it. */
    phase: async (ms = 1000): Promise<Phase & { cpu: number }> => {
      const spent = cpuNs;
      const phase = await guard.phase(now + ms, () => void polls.push(now));
      return { ...phase, cpu: (cpuNs - spent) / (ms * 1e6) };
    },
  };
  return here;
}

async function begun(load: number) {
  const here = world(load);
  await here.begin();
  return here;
}

describe("a load that the probes can take", () => {
  it("is looked at sampled first, for 20 ms, and is counted and timed in full from then on", async () => {
    const here = world(EASY);
    const from = here.now();
    await here.begin();
    expect(here.now() - from).toBe(20);
    expect(here.log()).toEqual(["fill", "attach 6", "time 0"]);
    for (let second = 0; second < 3; second++) {
      const { cpu, ...phase } = await here.phase();
      expect(phase).toEqual({
        ...{ seconds: 1, counted: 1, whole: true, sampledOneIn: 1, drops: false, notes: [] },
        share: expect.closeTo(cpu, 4),
      });
    }
    // Attached once, and its FDB filled then: it never rested.
    expect(here.log()).toEqual(["fill", "attach 6", "time 0"]);
  });

  it("is polled for every 100 ms, whatever else goes on", async () => {
    const here = await begun(EASY);
    for (let second = 0; second < 3; second++) await here.phase();
    const gaps = here.polls.slice(1).map((one, index) => one - (here.polls[index] ?? one));
    expect(here.polls.length).toBeGreaterThan(3 * 10);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(100);
  });

  it("is counted all the time and timed one in 64, where timing all would take too much", async () => {
    const here = await begun(BUSY);
    await here.phase();
    const { cpu, ...phase } = await here.phase();
    expect(phase).toMatchObject({ counted: 1, whole: true, sampledOneIn: 64, notes: [] });
    expect(phase.share).toBeCloseTo(LIMIT * 0.75);
  });

  it("is timed in full again when it has gone down", async () => {
    const here = await begun(BUSY);
    await here.phase();
    here.load = EASY;
    await here.phase();
    expect(await here.phase()).toMatchObject({ sampledOneIn: 1, whole: true });
  });
});

describe.each([
  ["three times", HEAVY],
  ["forty times", CRUSHING],
])("a load that takes %s what the probes may", (_, load) => {
  it("is counted for a part of the time, so that each second stays below the limit", async () => {
    const here = await begun(load);
    for (let second = 0; second < 5; second++) {
      const { cpu, ...phase } = await here.phase();
      expect(cpu).toBeLessThanOrEqual(LIMIT);
      // What the guard believes is what was.
      expect(Math.abs((phase.share ?? Number.NaN) - cpu)).toBeLessThan(0.002);
      expect(phase.counted).toBeGreaterThan(0.015);
      expect(phase.whole).toBe(false);
      expect(phase.notes.join()).toMatch(/^frames were counted for .* of the time, .* 2.0 % of a/);
    }
  });

  it("is told of FDBs that are right before it is counted again", async () => {
    const here = await begun(load);
    await here.phase();
    const told = here.log().filter((what) => !what.startsWith("time"));
    expect(told.length).toBeGreaterThan(4);
    for (const [index, what] of told.entries()) {
      if (what.startsWith("attach")) expect(told[index - 1]).toBe("fill");
    }
  });

  it("has the probes detached within 100 ms of its beginning", async () => {
    const here = await begun(EASY);
    await here.phase();
    // 1 ms later each time: wherever in the guard's own rhythm it begins.
    for (let second = 0; second < 90; second++) {
      here.load = EASY;
      while (!here.attached()) await here.phase();
      await here.phase(1000 + second);
      here.load = load;
      const from = here.now();
      await here.phase(200);
      const detached = here.times("detach").find((one) => one >= from) ?? Number.NaN;
      if (load === CRUSHING) expect(detached - from).toBeLessThanOrEqual(100);
      else expect(detached - from).toBeLessThanOrEqual(200);
    }
  });

  it("is counted all the time again when it is over", async () => {
    const here = await begun(load);
    await here.phase();
    here.load = EASY;
    await here.phase();
    await here.phase();
    expect(await here.phase()).toMatchObject({ counted: 1, whole: true, notes: [] });
  });
});

describe("a machine that drops frames", () => {
  it("has the probes detached that take more than half of what they may, until the load is a quarter", async () => {
    const here = await begun(BUSY);
    await here.phase();
    here.dropping = 1000;
    const { notes, drops } = await here.phase();
    expect([drops, here.attached()]).toEqual([true, false]);
    expect(notes.join()).toMatch(/^the machine drops frames \(\d+ in softnet\), so the probes/);
    here.dropping = 0;
    expect(await here.phase()).toMatchObject({ counted: 0, drops: true, notes });
    here.load = BUSY * 0.26;
    await here.phase();
    expect(here.attached()).toBe(false);
    here.load = BUSY * 0.2;
    await here.phase();
    expect(await here.phase()).toMatchObject({ counted: 1, drops: false, notes: [] });
  });

  it("keeps those that take less: it drops by itself", async () => {
    const here = await begun(EASY);
    await here.phase();
    here.dropping = 1000;
    expect(await here.phase()).toMatchObject({ whole: true, notes: [] });
  });
});

describe("the end", () => {
  it("comes at once", async () => {
    const here = await begun(EASY);
    const over = here.now() + 123;
    here.onTick = (now) => {
      if (now >= over) here.abort();
    };
    expect((await here.phase()).seconds).toBe(0.123);
  });
});
