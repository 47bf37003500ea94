import { type TestContext, test } from "vitest";

/** Repeats or takes long, and something shorter shows the same kind of thing: left out of `npm test`. */
export const FULL = { tags: "full" } as const;

/** A test for each case, of which the first `few` stand for the others: those are in full alone. */
export function casesInFull<Case>(
  few: number,
  cases: readonly Case[],
): (name: string, run: (one: Case, context: TestContext) => Promise<void>) => void {
  return (name, run) => {
    test.for(cases.slice(0, few))(name, run);
    test.for(cases.slice(few))(name, FULL, run);
  };
}
