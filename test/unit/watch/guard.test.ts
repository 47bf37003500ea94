/** The guard by value: its clock, the load and what the probes cost are made here, a millisecond at a time. */
import { describe, expect, it } from "vitest";
import type { ProbeBackend } from "../../../src/probes/backend.ts";
import { createGuard, type GuardMachine, NO_PHASE, type Phase } from "../../../src/watch/guard.ts";
import type { WatchProbes } from "../../../src/watch/probes.ts";

const LIMIT = 0.02;
/** Of one frame: counted and timed, counted, and passed over by probes that rest. */
const COST_NS = { timed: 1000, counted: 500, resting: 50 };
/** Frames/s that take a share of a CPU at such a cost. */
const at = (share: number, costNs: number) => (share * 1e9) / costNs;

/** Loads by what they make of the guard: all timed, all counted, counted for part of the time, detached. */
const EASY = at(LIMIT / 4, COST_NS.timed);
const BUSY = at(LIMIT * 0.75, COST_NS.counted);
const HEAVY = at(LIMIT * 3, COST_NS.counted);
const CRUSHING = at(LIMIT * 40, COST_NS.counted);

const BACKEND: ProbeBackend = {
  name: "tracepoint",
  reason: "",
  bpftraceVersion: [0, 17],
  functions: new Map(),
};

type Mode = { shift: number } | "resting";

/** A machine of its own time, with one guard on it. */
function world(load: number) {
  const controller = new AbortController();
  let [now, frames, drops, cpuNs, counted] = [1000, 0, 0, 0, 0];
  let mode: Mode | null = null;
  let died: string | null = null;
  const log: string[] = [];
  const pass = (ms: number) => {
    now += ms;
    const came = (here.load * ms) / 1000;
    frames += came;
    drops += (here.dropping * ms) / 1000;
    if (mode === null) return;
    if (mode !== "resting") counted += came;
    const each = mode === "resting" ? "resting" : mode.shift === 0 ? "timed" : "counted";
    cpuNs += came * COST_NS[each];
  };
  const probes = {
    aim: () => void log.push("aim"),
    count: (shift: number) => {
      mode = { shift };
    },
    rest: () => {
      mode = "resting";
    },
    read: () => ({ counts: new Map([["frames", counted]]), latency: new Map() }),
    cost: async (wait: () => Promise<void>) => {
      const [since, spent] = [now, cpuNs];
      await wait();
      return (cpuNs - spent) / ((now - since) * 1e6);
    },
    died: () => died,
    stop: async () => {
      mode = null;
      log.push("stop");
    },
  } as Partial<WatchProbes> as WatchProbes;
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
    attach: async () => {
      [counted, died, mode] = [0, null, "resting"];
      log.push("attach");
      return probes;
    },
  };
  const guard = createGuard(
    {
      backend: BACKEND,
      limit: LIMIT,
      signal: controller.signal,
      onAct: () => {},
      onCount: (_probes, attached) => void log.push(attached ? "fill" : "refill"),
      targets: () => [],
    },
    machine,
  );
  const polls: number[] = [];
  const here = {
    guard,
    log,
    load,
    /** Frames/s that softnet drops. */
    dropping: 0,
    onTick: (_now: number) => {},
    abort: () => controller.abort(),
    die: (why: string) => {
      died = why;
    },
    polls,
    now: () => now,
    mode: () => mode,
    /** A second. */
    phase: async (): Promise<Phase & { ms: number }> => {
      const [began, spent] = [now, cpuNs];
      // Of a load as it was before: what a guard is told comes from the counters.
      const phase = await guard.phase(began + 1000, here.load, () => void polls.push(now));
      here.cpu = (cpuNs - spent) / ((now - began) * 1e6);
      return { ...phase, ms: now - began };
    },
    /** Share of a CPU that the probes really took in the last phase. */
    cpu: Number.NaN,
    phases: async (count: number) => {
      const all: Phase[] = [];
      for (let phase = 0; phase < count; phase++) all.push(await here.phase());
      return all;
    },
    /** Frames that were counted since the last time; null where none could be. */
    took: () => {
      const taken = guard.take();
      if (taken === null) return null;
      const of = (reading: typeof taken.before) => reading.counts.get("frames") ?? 0;
      return of(taken.after) - of(taken.before);
    },
  };
  return here;
}

async function attached(load: number) {
  const here = world(load);
  await here.guard.attach();
  return here;
}

describe("a load that the probes can take", () => {
  it("is counted all the time, and every passage is timed", async () => {
    const here = await attached(EASY);
    // From now on, and not from the first phase on.
    expect(here.mode()).toEqual({ shift: 0 });
    for (let second = 0; second < 3; second++) {
      expect(await here.phase()).toEqual({
        ...{ counted: 1, whole: true, sampledOneIn: 1, notes: [], ms: 1000 },
        share: expect.closeTo(LIMIT / 4),
      });
      expect(here.took()).toBeCloseTo(EASY);
    }
    // Attached once, and its FDB filled then: it never rested.
    expect(here.log).toEqual(["attach", "aim", "fill"]);
  });

  it("is polled for every 100 ms, whatever else goes on", async () => {
    const here = await attached(EASY);
    await here.phases(3);
    const [first = 0, ...others] = here.polls;
    const gaps = others.map((at, index) => at - (here.polls[index] ?? first));
    expect(others.length).toBeGreaterThan(3 * 10);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(100);
  });

  it("is counted all the time and timed one in 64, where timing all would take too much", async () => {
    const here = await attached(BUSY);
    const [, second] = await here.phases(2);
    expect(second).toMatchObject({ counted: 1, whole: true, sampledOneIn: 64, notes: [] });
    expect(second?.share).toBeCloseTo(LIMIT * 0.75);
  });

  it("is timed in full again when it has gone down", async () => {
    const here = await attached(BUSY);
    await here.phase();
    here.load = EASY / 10;
    const [, second] = await here.phases(2);
    expect(second).toMatchObject({ sampledOneIn: 1, whole: true });
  });
});

describe("a load that is too much for counting all the time", () => {
  it("is counted for a part of it, so that all of it stays below the limit", async () => {
    const here = await attached(HEAVY);
    await here.phases(2);
    const third = await here.phase();
    // Counting takes three times the limit.
    expect(third.counted).toBeGreaterThan(0.1);
    expect(third.counted).toBeLessThan(0.4);
    expect(third.ms).toBe(1000);
    expect(here.cpu).toBeLessThanOrEqual(LIMIT);
    // Counting ends with a look, so it lasts a little longer than its part of the time.
    expect((third.share ?? Number.NaN) / here.cpu).toBeGreaterThan(0.9);
    expect(third.whole).toBe(false);
    expect(third.notes.join()).toMatch(/^frames were counted for \d+ % of the time, .* 2.0 % of a/);
    expect(here.mode()).toBe("resting");
  });

  it("is told by what was counted, and the FDB is right before it is counted again", async () => {
    const here = await attached(HEAVY);
    await here.phases(2);
    here.took();
    const { counted } = await here.phase();
    expect(here.took()).toBeCloseTo(HEAVY * counted, -1);
    expect(here.log).toEqual(["attach", "aim", "fill", "refill", "refill"]);
  });

  it("is looked at again at once when it begins in the middle of counting", async () => {
    const here = await attached(EASY);
    await here.phase();
    const from = here.now() + 310;
    let until: number | null = null;
    here.onTick = (now) => {
      if (now >= from) here.load = HEAVY;
      if (now > from && here.mode() === "resting") until ??= now;
    };
    await here.phase();
    // A glance, and a look at what it costs; the next look by itself would have been 200 ms after the last.
    expect((until ?? Number.NaN) - from).toBeLessThan(60);
  });

  it("is counted all the time again when it is over", async () => {
    const here = await attached(HEAVY);
    await here.phases(2);
    here.load = EASY;
    const [, , third] = await here.phases(3);
    expect(third).toMatchObject({ counted: 1, whole: true, notes: [] });
  });
});

describe("a load that even resting probes would make worse", () => {
  it("has them detached, says why as long as they are, and keeps what they had counted", async () => {
    const here = await attached(EASY);
    await here.phase();
    here.took();
    here.load = CRUSHING;
    const detaching = await here.phase();
    expect(detaching.notes.join()).toMatch(
      /would take more than the 2.0 % .* and were detached; they/,
    );
    expect(detaching.counted).toBeLessThan(0.1);
    expect(detaching.ms).toBe(1000);
    expect(here.guard.probes()).toBeNull();
    expect(here.took()).toBeCloseTo(CRUSHING * detaching.counted, -2);

    for (const phase of await here.phases(2)) {
      expect(phase).toEqual({ ...NO_PHASE, notes: detaching.notes, ms: 1000 });
      expect(here.took()).toBeNull();
    }
    expect(here.log).toEqual(["attach", "aim", "fill", "stop"]);
  });

  it("has them back when it is a quarter of what it was, counting from nothing", async () => {
    const here = await attached(CRUSHING);
    await here.phase();
    here.took();
    here.load = CRUSHING * 0.26;
    expect(await here.phase()).toMatchObject({ notes: [expect.any(String)] });
    expect(here.guard.probes()).toBeNull();
    here.load = CRUSHING * 0.24;
    await here.phase();
    // They were attached in the middle of a phase that did not count.
    expect(here.took()).toBeNull();
    here.load = EASY;
    expect(await here.phase()).toMatchObject({ whole: false, sampledOneIn: 1, notes: [] });
    expect(here.took()).toBeCloseTo(EASY, -1);
    expect(here.log).toEqual(["attach", "aim", "fill", "stop", "attach", "aim", "fill", "refill"]);
  });

  it("that had just begun is known one phase later", async () => {
    const here = await attached(EASY);
    await here.phase();
    here.onTick = () => {
      here.load = CRUSHING;
    };
    // The guard is told of the quiet second before.
    await here.phase();
    expect(here.guard.probes()).toBeNull();
    await here.phase();
    here.onTick = () => {};
    here.load = CRUSHING * 0.2;
    await here.phase();
    expect(here.guard.probes()).not.toBeNull();
  });

  it("and grows while they are away is no reason to have them back sooner", async () => {
    const here = await attached(CRUSHING);
    await here.phases(2);
    here.load = CRUSHING * 5;
    await here.phase();
    here.load = CRUSHING;
    await here.phase();
    expect(here.guard.probes()).toBeNull();
  });
});

describe("a machine that drops frames", () => {
  it("has probes detached that take more than half of what they may", async () => {
    const here = await attached(BUSY);
    await here.phase();
    here.dropping = 1000;
    const { notes } = await here.phase();
    expect(notes.join()).toMatch(/^the machine drops frames \(\d+ in softnet\), so the probes/);
    expect(here.guard.probes()).toBeNull();
  });

  it("keeps those that take less: it drops by itself", async () => {
    const here = await attached(EASY);
    await here.phase();
    here.dropping = 1000;
    expect(await here.phase()).toMatchObject({ whole: true, notes: [] });
  });

  it("is not taken for one that still does", async () => {
    const here = await attached(BUSY);
    await here.phase();
    here.dropping = 1000;
    await here.phase();
    here.dropping = 0;
    here.load = BUSY / 5;
    await here.phase();
    here.load = EASY;
    const phases = await here.phases(2);
    // Timed in full, as probes that were just attached are.
    expect(phases.map(({ sampledOneIn, notes }) => [sampledOneIn, notes])).toEqual([
      [1, []],
      [1, []],
    ]);
    here.load = BUSY;
    expect((await here.phase()).notes).toEqual([]);
  });
});

describe("probes that end by themselves", () => {
  it("are said to have, and attached again whatever the load", async () => {
    const here = await attached(EASY);
    await here.phase();
    here.die("killed by SIGKILL");
    const { notes, ms } = await here.phase();
    expect([notes, ms]).toEqual([["the probes ended by themselves: killed by SIGKILL"], 1000]);
    expect(here.guard.probes()).toBeNull();
    await here.phase();
    expect(await here.phase()).toMatchObject({ notes: [], counted: expect.closeTo(1) });
  });
});

describe("the end", () => {
  it("comes at once", async () => {
    const here = await attached(EASY);
    const over = here.now() + 123;
    here.onTick = (now) => {
      if (now >= over) here.abort();
    };
    const { ms } = await here.phase();
    expect(ms).toBe(123);
    await here.guard.close();
    expect(here.log.at(-1)).toBe("stop");
    expect(here.guard.probes()).toBeNull();
  });
});

it("without a backend there is nothing to keep, and the phases last as long", async () => {
  const machine = { softnetDrops: () => null, now: () => now } as GuardMachine;
  let now = 0;
  machine.sleep = async (ms) => {
    now += ms;
  };
  const { signal } = new AbortController();
  const guard = createGuard(
    { backend: null, limit: LIMIT, signal, onAct: () => {}, onCount: () => {}, targets: () => [] },
    machine,
  );
  await guard.attach();
  expect(await guard.phase(500, 1e9, () => {})).toEqual(NO_PHASE);
  expect(now).toBe(500);
  expect(guard.take()).toBeNull();
  await guard.close();
});
