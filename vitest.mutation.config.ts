import { defineConfig } from "vitest/config";

/** Unit tests of what `npm run mutation` changes: see stryker.config.json. */
export default defineConfig({
  test: {
    include: ["test/unit/{stats,compare,probes,setup}/**/*.test.ts"],
    // It renders pages, for which it needs dist.
    exclude: ["test/unit/compare/reports.test.ts"],
    testTimeout: 300_000,
  },
});
