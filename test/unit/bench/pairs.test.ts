import { describe, expect, it } from "vitest";
import { pairCount, pairOf } from "../../../src/bench/load/pairs.ts";

const pairs = (connections: number, hosts: number) =>
  Array.from({ length: connections }, (_, connection) => {
    const { from, to } = pairOf(connection, hosts);
    return [from, to];
  });

describe("pairOf", () => {
  it("takes new hosts for every connection until none is left, then begins again", () => {
    expect(pairs(5, 6)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [0, 1],
      [2, 3],
    ]);
  });

  it("leaves an odd host out", () => {
    expect(pairs(2, 3)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("lets a single host talk to itself", () => {
    expect(pairs(2, 1)).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it("never lets a host be client and server, however many there are", () => {
    for (const hosts of [2, 3, 200, 1023]) {
      const all = pairs(pairCount(hosts), hosts);
      expect(new Set(all.flat()).size).toBe(2 * pairCount(hosts));
      expect(Math.max(...all.flat())).toBeLessThan(hosts);
    }
  });
});
