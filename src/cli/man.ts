/** The man page, from the definitions of the commands; `npm run build` writes it to dist/man. */
import type { Command } from "commander";
import { version } from "../system/version.ts";
import { type Place, placesIn } from "./places.ts";

const STATUSES = [
  ["0", "fine"],
  ["1", "failed"],
  ["2", "wrong usage"],
  ["3", "a regression, or a flood above threshold, was found"],
  ["4", "a prerequisite is missing"],
  ["128+n", "ended by signal n"],
] as const;

const VARIABLES = [
  ["NO_COLOR", "no colour on a terminal"],
  ["XDG_CACHE_HOME", "where kernels and packages of guests are kept, in a folder bridgescope"],
] as const;

/** In roff, as man(7) has it. */
export function manPage(root: Command): string {
  const commands = placesIn(root).filter(({ path }) => path.length > 0 && path.at(-1) !== "help");
  const lines = [
    `.TH BRIDGESCOPE 1 "" "bridgescope ${version}" "User Commands"`,
    ".SH NAME",
    `bridgescope \\- ${text(root.description())}`,
    ".SH SYNOPSIS",
    ".B bridgescope",
    text("<command> [options]"),
    ".SH OPTIONS",
    ...terms(root),
    ".SH COMMANDS",
    ...commands.flatMap(section),
    ".SH EXIT STATUS",
    ...STATUSES.flatMap(([status, means]) => term(status, means)),
    ".SH ENVIRONMENT",
    ...VARIABLES.flatMap(([name, means]) => term(name, means)),
  ];
  return `${lines.join("\n")}\n`;
}

function section({ command, path }: Place): string[] {
  return [
    `.SS "${text(["bridgescope", ...path].join(" "))} ${text(command.usage())}"`,
    text(command.description()),
    ...terms(command),
  ];
}

function terms(command: Command): string[] {
  const help = command.createHelp();
  const both: [string, string][] = [
    ...help
      .visibleArguments(command)
      .map((one): [string, string] => [one.name(), help.argumentDescription(one)]),
    ...help
      .visibleOptions(command)
      .map((one): [string, string] => [one.flags, help.optionDescription(one)]),
  ];
  return both.flatMap(([name, means]) => term(name, means));
}

function term(name: string, means: string): string[] {
  return [".TP", `.B ${text(name)}`, text(means)];
}

/** Text that is no request of roff's, whatever it begins with. */
function text(words: string): string {
  const escaped = words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
