import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { benchCommand } from "../../../src/cli/bench.ts";
import { BENCH_OPTIONS, modeOf } from "../../../src/cli/bench-options.ts";
import { UsageError } from "../../../src/system/errors.ts";

/** As commander parses them: a value for each option that takes one. */
function parsed(...words: string[]): Command {
  const command = benchCommand().exitOverride();
  // What is asked here is which options go together, not what they do.
  command.action(() => {});
  return command.parse(words, { from: "user" });
}

const CHOOSING = {
  host: [],
  vs: ["--vs", "veth"],
  kernel: ["--kernel", "debian:trixie"],
  resume: ["--resume", "reports/latest"],
} as const;
const long = (flags: string) => flags.split(" ")[0] ?? "";
const chooses = new Set(["--vs", "--base-setup", "--candidate-setup", "--kernel", "--resume"]);

function words(option: (typeof BENCH_OPTIONS)[number]): string[] {
  const value = option.choices?.[0] ?? "1";
  return option.flags.includes("<") ? [long(option.flags), value] : [long(option.flags)];
}

describe("each option of bench", () => {
  const others = BENCH_OPTIONS.filter(({ flags }) => !chooses.has(long(flags)));

  for (const mode of ["host", "vs", "kernel", "resume"] as const) {
    it.each(others.map((option) => [long(option.flags), option] as const))(
      `with ${CHOOSING[mode].join(" ") || "neither of these"}: %s is used or is a usage error`,
      (name, option) => {
        const options = parsed(...CHOOSING[mode], ...words(option));
        if (option.modes.includes(mode)) {
          expect(modeOf(options)).toBe(mode);
          return;
        }
        expect(() => modeOf(options)).toThrow(UsageError);
        expect(() => modeOf(options)).toThrow(`${name} is for `);
      },
    );
  }

  it("is used by some mode, and is in the help", () => {
    const help = benchCommand().helpInformation();
    for (const { flags, modes } of BENCH_OPTIONS) {
      expect(modes.length).toBeGreaterThan(0);
      expect(help).toContain(flags);
    }
  });

  it("is known to the command by the table alone", () => {
    const known = benchCommand().options.map(({ flags }) => flags);
    expect(known).toEqual(BENCH_OPTIONS.map(({ flags }) => flags));
  });
});

describe("what bench is asked for", () => {
  it("is told by the option that chooses it, and a second one of those is refused", () => {
    expect(modeOf(parsed("--base-setup", "[]"))).toBe("vs");
    expect(() => modeOf(parsed("--vs", "veth", "--kernel", "debian:sid"))).toThrow(
      "--kernel is for",
    );
    expect(() => modeOf(parsed("--resume", "x", "--vs", "veth"))).toThrow("--vs is for");
  });

  it("names a mode by what a person types", () => {
    expect(() => modeOf(parsed("--vs", "veth", "--bisect"))).toThrow(
      "--bisect is for `bench --kernel`, and this is `bench --vs`: leave it out",
    );
  });
});
