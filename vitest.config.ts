import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** A test that asserts nothing cannot fail. */
const expect = { requireAssertions: true };

export default defineConfig({
  test: {
    tags: [
      {
        name: "full",
        description: "Repeats or takes long; something shorter shows the same kind of thing",
      },
    ],
    projects: [
      {
        test: {
          name: "unit",
          expect,
          include: ["test/unit/**/*.test.ts"],
          // Nothing of theirs outlives a test, and loading the modules anew for each file takes longer than the tests.
          isolate: false,
          maxWorkers: availableParallelism(),
          // Of some the work is seconds, and the machine may be busy.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "browser",
          expect,
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "integration",
          expect,
          include: ["test/integration/**/*.test.ts"],
          // Labs, tracepoints and CPU pinning are the machine's, not a test's: one file at a time.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "torture",
          expect,
          include: ["test/torture/**/*.test.ts"],
          fileParallelism: false,
          // As long as it is asked to last.
          testTimeout: 7_200_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "guest",
          expect,
          include: ["test/guest/**/*.test.ts"],
          // An emulated guest takes a core of its own: as many files as cores, one test of each at a time.
          maxWorkers: availableParallelism(),
          // An emulated kernel takes minutes for what a real one does in seconds.
          testTimeout: 1_500_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
