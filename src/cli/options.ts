/** Options of a command that has modes: one table from which its help, its checks, completion and man page are made. */
import { type Command, Option } from "commander";
import { UsageError } from "../system/errors.ts";

export interface ModeOption<Mode extends string> {
  /** As commander takes them. */
  flags: string;
  help: string;
  /** The heading in the help under which it stands. */
  group?: string;
  /** The modes that use it; in any other it is a usage error. */
  modes: readonly Mode[];
  /** What does the same in a mode that does not use it. */
  instead?: Partial<Record<Mode, string>>;
  repeatable?: true;
  choices?: readonly string[];
  default?: string;
}

export function addOptions<Mode extends string>(
  command: Command,
  table: readonly ModeOption<Mode>[],
): Command {
  for (const { flags, help, group, choices, repeatable, default: usual } of table) {
    const option = new Option(flags, help);
    if (group !== undefined) option.helpGroup(`${group}:`);
    if (choices !== undefined) option.choices([...choices]);
    if (usual !== undefined) option.default(usual);
    if (repeatable) {
      option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    }
    command.addOption(option);
  }
  return command;
}

/** Throws a UsageError for an option that was given and that the mode does not use; `names` are what a person typed. */
export function checkMode<Mode extends string>(
  table: readonly ModeOption<Mode>[],
  command: Command,
  mode: Mode,
  names: Record<Mode, string>,
): void {
  for (const { flags, modes, instead } of table) {
    const option = new Option(flags);
    const given = command.getOptionValueSource(option.attributeName()) === "cli";
    if (!given || modes.includes(mode)) continue;
    const uses = modes.map((one) => names[one]).join(" or ");
    const other = instead?.[mode];
    const remedy = other === undefined ? "leave it out" : `say ${other}`;
    throw new UsageError(`${option.long} is for ${uses}, and this is ${names[mode]}: ${remedy}`);
  }
}
