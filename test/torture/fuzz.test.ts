import { describe, expect, it } from "vitest";
import { BridgescopeError } from "../../src/system/errors.ts";
import { obeyed } from "../unit/report/markup.ts";
import { mutantsOf } from "./mutants.ts";
import { PARSERS } from "./parsers.ts";
import { inputs } from "./trials.ts";

/** Long before a person takes it for a hang; a busy machine takes its time too. */
const HANG_MS = 10_000;

describe("no text makes a parser crash, hang, or give a number that is none", () => {
  it.each(Object.entries(PARSERS))("%s", (name, { corpus, read }) => {
    for (const text of corpus) expect(() => read(text)).not.toThrow();
    const mutant = mutantsOf(corpus);
    inputs(`inputs of ${name}`, 300, (random) => {
      const text = mutant(random);
      const began = performance.now();
      const fault = faultOf(read, text);
      if (fault !== null) return `${fault}: ${JSON.stringify(text)}`;
      return performance.now() - began > HANG_MS ? `too slow: ${JSON.stringify(text)}` : null;
    });
  });
});

/** What is wrong with how it was read, or null. */
function faultOf(read: (text: string) => unknown, text: string): string | null {
  try {
    return notANumber(read(text)) ? "a number that is none" : null;
  } catch (error) {
    if (!(error instanceof BridgescopeError)) return String(error);
    if (/NaN|\[object/.test(error.message) && !/NaN/.test(text)) {
      return `it says ${error.message}`;
    }
    return obeyed(error.message) === null ? null : `an escape in its message: ${error.message}`;
  }
}

function notANumber(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  if (typeof value === "string") return false;
  if (value instanceof Map) return notANumber([...value]);
  return typeof value === "object" && value !== null && Object.values(value).some(notANumber);
}
