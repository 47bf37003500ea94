/** dist/man/bridgescope.1, from the definitions of the commands. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { inRoot } from "./repository.mjs";

export async function writeManPage() {
  const { program } = await import(pathToFileURL(inRoot("dist", "cli", "program.js")).href);
  mkdirSync(inRoot("dist", "man"), { recursive: true });
  writeFileSync(inRoot("dist", "man", "bridgescope.1"), manPage(await program([])));
}

/** The page in roff, as man(7) has it. */
export function manPage(root) {
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
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
    ...allCommands(root).flatMap(section),
    ".SH EXIT STATUS",
    ...STATUSES.flatMap(([status, means]) => term(status, means)),
    ".SH ENVIRONMENT",
    ...term("NO_COLOR", "no colour on a terminal"),
    ...term(
      "XDG_CACHE_HOME",
      "where kernels and packages of guests are kept, in a folder bridgescope",
    ),
  ];
  return `${lines.join("\n")}\n`;
}

const STATUSES = [
  ["0", "fine"],
  ["1", "failed"],
  ["2", "wrong usage"],
  ["3", "a regression or a harmful flood was found"],
  ["4", "a prerequisite is missing"],
  ["128+n", "ended by signal n"],
];

/** With those below them, as they are typed. */
function allCommands(command, words = ["bridgescope"]) {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== "help")
    .flatMap((child) => {
      const path = [...words, child.name()];
      return [{ command: child, path }, ...allCommands(child, path)];
    });
}

function section({ command, path }) {
  return [
    `.SS "${text(path.join(" "))} ${text(command.usage())}"`,
    text(command.description()),
    ...terms(command),
  ];
}

function terms(command) {
  const help = command.createHelp();
  return [
    ...help.visibleArguments(command).map((one) => [one.name(), help.argumentDescription(one)]),
    ...help.visibleOptions(command).map((one) => [one.flags, help.optionDescription(one)]),
  ].flatMap(([name, means]) => term(name, means));
}

function term(name, means) {
  return [".TP", `.B ${text(name)}`, text(means)];
}

/** Text that is no request of roff's, whatever it begins with. */
function text(words) {
  const escaped = words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
