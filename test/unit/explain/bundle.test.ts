import { describe, expect, it } from "vitest";
import { asJson } from "../../../src/explain/bundle.ts";

describe("a list in a bundle", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ip: `10.0.${index >> 8}.${index & 255}` }));

  it("is there in full where it is not long", () => {
    const state = {
      name: "br0",
      ports: [{ name: "pa", addresses: ["fe80::1"] }],
      neighbours: many(9),
    };
    expect(JSON.parse(asJson({ ...state, querier: undefined }, []))).toEqual({ cut: [], ...state });
  });

  it("has nothing that a terminal would obey, and means the same", () => {
    const state = { name: "b\u009b2J\u202e", ports: ["\u001b[2J", "\u{1f600}"] };
    const text = asJson(state, []);
    expect(text).toMatch(/^[\n -~]*$/);
    expect(JSON.parse(text)).toEqual({ cut: [], ...state });
  });

  it("says where it was cut, and has what the findings are about all the same", () => {
    const state = { ports: [{ entries: many(20_001) }], neighbours: many(30_000) };
    const shown = JSON.parse(asJson(state, ["10.0.117.0"]));
    expect(shown.cut).toEqual([
      { list: "ports[0].entries", kept: 20_000, of: 20_001 },
      { list: "neighbours", kept: 20_000, of: 30_000 },
    ]);
    expect(shown.neighbours).toHaveLength(20_000);
    expect(shown.neighbours.slice(0, 2)).toEqual([{ ip: "10.0.117.0" }, { ip: "10.0.0.0" }]);
  });
});
