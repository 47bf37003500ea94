import { expect, test } from "vitest";
import { columns, wrap } from "../../../src/text/layout.ts";
import { code, md } from "../../../src/text/markdown.ts";
import { clip, printable, printableLines } from "../../../src/text/printable.ts";
import { sparkline } from "../../../src/text/sparkline.ts";
import {
  compactCount,
  count,
  duration,
  percent,
  quantity,
  signed,
  span,
  spanLike,
} from "../../../src/text/units.ts";

test.each([
  [0, "0 ns"],
  [8.3, "8.30 ns"],
  [812, "812 ns"],
  [999.7, "1.00 µs"],
  [2311, "2.31 µs"],
  [65_300, "65.3 µs"],
  [412_000, "412 µs"],
  [1e9, "1 s"],
  [92_400_000_000, "92.4 s"],
  [125e9, "2 min 5 s"],
  [7_500e9, "2 h 5 min"],
])("%d ns reads %s", (ns, text) => {
  expect(duration(ns)).toBe(text);
});

test.each([
  [13_300_000_000, "bit/s", "13.3 Gbit/s"],
  [487_000, "frames/s", "487 k frames/s"],
  [0.0012, "ratio", "0.120 %"],
  [0, "ratio", "0 %"],
  [1668, "instructions", "1,668 instructions"],
])("%d %s reads %s", (value, unit, text) => {
  expect(quantity(value, unit)).toBe(text);
});

test("spans share a unit", () => {
  expect(span(980, 2450, "ns")).toBe("0.980 .. 2.45 µs");
  expect(spanLike(980, 2450, "ns", 1200)).toBe("0.980 .. 2.45");
});

test("counts keep their digits, shares are never rounded to all or nothing", () => {
  expect(count(1_750_950)).toBe("1,750,950");
  expect(compactCount(9_590_400)).toBe("9.59M");
  expect(compactCount(9600)).toBe("9,600");
  expect(signed(12)).toBe("+12");
  expect(signed(-3)).toBe("-3");
  expect(percent(999_999, 1_000_000)).toBe(">99.9 %");
  expect(percent(1, 1_000_000)).toBe("<0.1 %");
  expect(percent(1, 0)).toBe("-");
});

test("what cannot be seen becomes visible", () => {
  expect(printable("a\x1b[31mb\u009b\u202ec\ud800\u200b\x00")).toBe(
    "a\\x1b[31mb\\x9b\\u202ec\\ud800\\u200b\\x00",
  );
  expect(printableLines("one\r\ntwo\tthree\n\n")).toEqual(["one", "two    three"]);
  expect(clip("0123456789abcdef", 10)).toBe("012345…def");
});

test("wrapping breaks words only where they do not fit", () => {
  expect(wrap("aa bbb cccccccc", 6)).toEqual(["aa bbb", "cccccc", "cc"]);
  expect(columns("橋é")).toBe(3);
  expect(columns("e\u0301")).toBe(1);
});

test("markdown is escaped by default", () => {
  expect(md`a ${"<b>|x"} ${code("bridge:4/flood")}`.text).toBe(
    "a <code>&lt;b&gt;&#124;x</code> `bridge:4/flood`",
  );
  expect(md`${"ns_per_frame _x_ 5*"}`.text).toBe("ns_per_frame &#95;x&#95; 5&#42;");
  expect(code("a`b").text).toBe("<code>a&#96;b</code>");
});

test("sparklines span their own samples", () => {
  expect(sparkline([1, 2, 3, 8], 8)).toBe("▁▂▃█");
  expect(sparkline([5, 5], 8)).toBe("▄▄");
  expect(
    sparkline(
      Array.from({ length: 100 }, (_, i) => i),
      4,
    ),
  ).toBe("▁▃▆█");
});
