import { describe, expect, it } from "vitest";
import { checkDescriptors, openFilesLimit } from "../../../src/bench/plan/preconditions.ts";
import { planFor } from "../../../src/bench/plan/request.ts";
import { UsageError } from "../../../src/system/errors.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max processes             31371                31371                processes 
Max open files            1024                 524288               files     
`;

describe("openFilesLimit", () => {
  it("is the soft limit", () => {
    expect(openFilesLimit(LIMITS)).toBe(1024);
  });

  it("is infinite where there is none", () => {
    expect(openFilesLimit(LIMITS.replace("1024  ", "unlimited"))).toBe(Number.POSITIVE_INFINITY);
    expect(openFilesLimit("")).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("checkDescriptors", () => {
  const check = (connections: number) => {
    const request = { topology: ["bridge:4"], workload: ["tcp-rr"], connections };
    return () => checkDescriptors(planFor(undefined, request).plan, LIMITS);
  };

  it("takes what fits", () => {
    expect(check(400)).not.toThrow();
  });

  it("refuses what does not, with the limit and the remedy", () => {
    expect(check(500)).toThrow(UsageError);
    expect(check(500)).toThrow(
      /bridge:4.tcp-rr.*may open 1024 \(RLIMIT_NOFILE\).*ulimit -n 11\d\d/,
    );
  });
});
