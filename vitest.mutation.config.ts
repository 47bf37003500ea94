import { defineConfig } from "vitest/config";

/** Tests of what `npm run mutation` changes: see stryker.config.json. */
export default defineConfig({
  test: {
    include: [
      "test/unit/{stats,compare,probes,setup}/**/*.test.ts",
      // Whose a namespace is, is decided over real ones.
      "test/integration/lab/{gc,kept,owned}.test.ts",
    ],
    // It renders pages, for which it needs dist.
    exclude: ["test/unit/compare/reports.test.ts"],
    testTimeout: 300_000,
  },
});
