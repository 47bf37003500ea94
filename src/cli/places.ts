import type { Command } from "commander";

/** A command, and the words after `bridgescope` that lead to it: none for the program itself. */
export interface Place {
  readonly path: readonly string[];
  readonly command: Command;
}

/** The program and all commands below it, each before its own. */
export function placesIn(command: Command, path: readonly string[] = []): Place[] {
  const below = childrenOf(command).flatMap((child) => placesIn(child, [...path, child.name()]));
  return [{ path, command }, ...below];
}

/** As its help lists them. */
export function childrenOf(command: Command): Command[] {
  return command.createHelp().visibleCommands(command);
}
