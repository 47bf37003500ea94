import { describe, expect, test } from "vitest";
import { emptyRecords, readRecord } from "../../../src/probes/records.ts";

function read(...lines: string[]) {
  const records = emptyRecords();
  const told = lines.map((line) => readRecord(records, line));
  return { ...records, told };
}

describe("what bpftrace prints, line by line", () => {
  test("a printf is given back without its end of line", () => {
    const { told, errors } = read('{"type": "printf", "data": "act 7\\n"}');
    expect(told).toEqual(["act 7"]);
    expect(errors).toEqual([]);
  });

  test("maps are kept by name and key, the last reading of each", () => {
    const { maps, told } = read(
      '{"type": "map", "data": {"@in": {"2,0": 1, "2,1": 5}}}',
      '{"type": "map", "data": {"@in": {"2,0": 3}, "@aged": 4}}',
    );
    expect(told).toEqual([null, null]);
    expect([...maps.keys()]).toEqual(["@in", "@aged"]);
    expect([...(maps.get("@in") ?? [])]).toEqual([["2,0", 3]]);
    expect([...(maps.get("@aged") ?? [])]).toEqual([["", 4]]);
  });

  test("tuples are kept apart, with null for what is no number", () => {
    const { tuples, maps } = read(
      '{"type": "map", "data": {"@cur": {"0": [7, "8", "x"], "1": [1]}}}',
    );
    expect([...(tuples.get("@cur") ?? [])]).toEqual([
      ["0", [7, 8, null]],
      ["1", [1]],
    ]);
    expect(maps.get("@cur")).toEqual(new Map());
  });

  test("numbers may come as strings; what is none is left out, and never NaN", () => {
    const data = { "@in": { a: "9007199254740993", b: "many", c: null, d: 1.5 }, "@aged": "x" };
    const { maps } = read(JSON.stringify({ type: "map", data }));
    expect([...(maps.get("@in") ?? [])]).toEqual([
      ["a", 9007199254740992],
      ["d", 1.5],
    ]);
    expect(maps.get("@aged")).toEqual(new Map());
  });

  test.each([["null"], ['"text"'], ["7"]])("a map whose data is %s holds nothing", (data) => {
    expect(read(`{"type": "map", "data": ${data}}`)).toMatchObject({ maps: new Map(), errors: [] });
  });

  test("the number of probes is the last that was told, 0 where it is no number", () => {
    const line = (probes: unknown) => JSON.stringify({ type: "attached_probes", data: { probes } });
    expect(read(line(7)).probes).toBe(7);
    expect(read(line(7), line("9")).probes).toBe(9);
    expect(read(line(7), line("none")).probes).toBe(0);
    expect(read('{"type": "attached_probes"}').probes).toBe(0);
    expect(read('{"type": "attached_probes", "data": null}').probes).toBe(0);
  });

  test("lost events add up, and are one at least", () => {
    const { lost, told } = read(
      '{"type": "lost_events", "data": {"events": 40}}',
      '{"type": "lost_events", "data": {"events": 2}}',
      '{"type": "lost_events", "data": {}}',
      '{"type": "lost_events"}',
    );
    expect(lost).toBe(44);
    expect(told).toEqual([null, null, null, null]);
  });

  test("a key that a map does not hold is an answer; other helpers' errors are errors", () => {
    const helper = (name: string) =>
      `{"type": "helper_error", "msg": "No such file", "helper": "${name}", "retcode": -2}`;
    expect(read(helper("map_lookup_elem")).errors).toEqual([]);
    expect(read(helper("map_update_elem")).errors).toEqual([
      "helper_error: map_update_elem No such file",
    ]);
  });

  test("what is unknown is an error with what it says of itself, made safe to print", () => {
    expect(read('{"type": "news"}').errors).toEqual(["news:"]);
    expect(read('{"type": {"a": 1}, "msg": "\\u001b[2J"}').errors).toEqual([
      expect.stringMatching(/^\{"a":1\}: {2}\P{Cc}*\[2J$/u),
    ]);
    expect(read("{}").errors).toEqual(["undefined:"]);
  });

  test("what is no JSON object is an error with its beginning; an empty line is nothing", () => {
    expect(read("", "  ", "\t")).toMatchObject({ errors: [], told: [null, null, null] });
    expect(read("Segmentation fault").errors).toEqual(["unreadable output: Segmentation fault"]);
    expect(read("null").errors).toEqual(["unreadable output: null"]);
    expect(read("7").errors).toEqual(["unreadable output: 7"]);
    expect(read("x".repeat(200)).errors).toEqual([`unreadable output: ${"x".repeat(80)}`]);
  });

  test("of many errors twenty are kept", () => {
    expect(read(...Array.from({ length: 50 }, (_, at) => `broken ${at}`)).errors).toEqual(
      Array.from({ length: 20 }, (_, at) => `unreadable output: broken ${at}`),
    );
  });
});
