import { describe, expect, it } from "vitest";
import {
  ActionFailed,
  CutOff,
  doing,
  Interrupted,
  type Schedule,
} from "../../../src/bench/engine/schedule.ts";
import { planFor } from "../../../src/bench/plan/request.ts";
import { PrerequisiteError, ToolError, UsageError } from "../../../src/system/errors.ts";
import { FakeRunner, resumed } from "./fake-runner.ts";

const [planned] = planFor(undefined, { topology: ["veth"], backend: "off" }).plan.cases;
if (planned === undefined) throw new Error("one topology under one workload is one case");
const { topology } = planned;
const build = { act: "build", lab: "one", topology } as const;
const round = {
  act: "measure",
  drivers: [{ driver: "one", side: "off" }],
  durationNs: 1,
} as const;

/** Builds, measures three rounds and takes down; in a new lab where it is cut off. */
function* threeRounds(seen: string[] = []): Schedule<number> {
  for (let done = 0; ; ) {
    try {
      yield* doing(build);
      while (done < 3) {
        yield* doing(round);
        done++;
      }
      yield* doing({ act: "close" });
      return done;
    } catch (error) {
      seen.push(error instanceof Error ? error.name : "");
      if (!(error instanceof CutOff)) throw error;
    }
  }
}

describe("a schedule that is performed", () => {
  it("gets the event of each action, and its result is the run's", async () => {
    const runner = new FakeRunner();
    expect(await runner.run(threeRounds())).toBe(3);
    expect(runner.did).toEqual(["build", "measure", "measure", "measure", "close"]);
    expect(runner.recorded.map(({ at }) => at)).toEqual([1e6, 2e6, 3e6, 4e6, 5e6]);
  });

  it("does nothing again that happened before, wherever its process was killed", async () => {
    for (let actions = 0; actions <= 5; actions++) {
      const events = await new FakeRunner().cut(threeRounds(), [], actions);
      const runner = new FakeRunner();
      expect(await runner.run(threeRounds(), resumed(events))).toBe(3);
      const all = [...events, ...runner.recorded].filter(({ act }) => act === "measure");
      expect(all).toHaveLength(3);
      // Labs went with their process, once all rounds were measured too.
      expect(runner.did.includes("build")).toBe(actions < 5);
    }
  });

  it("is told that its labs are gone only where some stood", async () => {
    const seen: string[] = [];
    await new FakeRunner().run(threeRounds(seen), resumed([]));
    expect(seen).toEqual([]);
    const events = await new FakeRunner().cut(threeRounds(), [], 2);
    await new FakeRunner().run(threeRounds(seen), resumed(events));
    expect(seen).toEqual(["CutOff"]);
  });

  it("may be killed and resumed any number of times", async () => {
    let events = await new FakeRunner().cut(threeRounds(), [], 1);
    for (let turn = 0; turn < 4; turn++) {
      events = await new FakeRunner().cut(threeRounds(), resumed(events), 1);
    }
    const runner = new FakeRunner();
    expect(await runner.run(threeRounds(), resumed(events))).toBe(3);
    expect(runner.did).toEqual(["build", "measure", "measure", "measure", "close"]);
  });

  it("refuses events of another schedule", async () => {
    const events = await new FakeRunner().cut(threeRounds(), [], 2);
    function* other(): Schedule {
      yield* doing({ act: "check" });
    }
    await expect(new FakeRunner().run(other(), resumed(events))).rejects.toThrow(UsageError);
  });

  it("is told of a failure, with the tool and the exit status, and of the same when it is resumed", async () => {
    const failing = {
      act: () => {
        throw new ToolError("bpftrace", "bpftrace exited with 3");
      },
    };
    function* schedule(found: unknown[]): Schedule {
      try {
        yield* doing({ act: "check" });
      } catch (error) {
        found.push(error instanceof ActionFailed && error.event);
      }
    }
    const found: unknown[] = [];
    const runner = new FakeRunner(failing);
    await runner.run(schedule(found));
    await new FakeRunner().run(schedule(found), resumed(runner.recorded));
    const event = { act: "fail", tool: "bpftrace", exitCode: 1, error: "bpftrace exited with 3" };
    expect(found).toEqual([expect.objectContaining(event), expect.objectContaining(event)]);
  });

  it("that does not catch a failure ends with what the action threw", async () => {
    const lacking = new PrerequisiteError("no such option");
    const runner = new FakeRunner({
      act: () => {
        throw lacking;
      },
    });
    await expect(runner.run(threeRounds())).rejects.toBe(lacking);
  });
});

describe("an interruption", () => {
  function* closing(seen: string[]): Schedule {
    try {
      yield* threeRounds(seen);
    } finally {
      yield* doing({ act: "close" });
      // Work is not begun any more.
      yield* doing(build);
    }
  }

  it("is told once; what takes down is still done, nothing is begun, and nothing is recorded", async () => {
    const seen: string[] = [];
    const runner: FakeRunner = new FakeRunner({
      act: ({ act }) => {
        if (act === "measure") runner.controller.abort();
        return undefined;
      },
    });
    expect(await runner.run(closing(seen))).toBeNull();
    expect(seen).toEqual(["Interrupted"]);
    expect(runner.did).toEqual(["build", "measure", "close"]);
    expect(runner.entered.map(({ act }) => act)).toEqual(["build", "measure", "close"]);
    expect(runner.recorded.map(({ act }) => act)).toEqual(["build", "measure"]);
  });

  it("ends an action that it breaks off, which is no failure", async () => {
    const runner: FakeRunner = new FakeRunner({
      act: ({ act }) => {
        if (act !== "measure") return undefined;
        runner.controller.abort();
        throw new Error("killed");
      },
    });
    const seen: string[] = [];
    expect(await runner.run(threeRounds(seen))).toBeNull();
    expect(seen).toEqual([new Interrupted().name]);
    expect(runner.recorded.map(({ act }) => act)).toEqual(["build"]);
  });
});
