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

  test("how many probes were attached is no doubt", () => {
    expect(read('{"type": "attached_probes", "data": {"probes": 7}}')).toEqual({
      ...{ lost: 0, errors: [], told: [null] },
    });
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
