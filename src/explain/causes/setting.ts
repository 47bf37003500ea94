/** What a change is, made into commands. */

import { commandLine } from "../../text/command-line.ts";

/** What a change is on a bridge as it is now. */
export interface Setting {
  /** In words. */
  what: string;
  command: string;
  undo: string;
  verify: string;
  inForce: boolean;
  /** Why it is not for this bridge: the kernel refuses it, or somebody is cut off; null where it is fine. */
  refused: string | null;
}

/** Fails where the command does not show it: an extended regular expression. */
export function shows(command: string, expression: string): string {
  return `${command} | ${commandLine(["grep", "-qE", expression])}`;
}

/** Fails where the command shows it, and where the command fails. */
export function showsNot(command: string, expression: string): string {
  return `shown=$(${command}) && ! printf '%s\\n' "$shown" | ${commandLine(["grep", "-qE", expression])}`;
}

/** A name as it stands in an extended regular expression. */
export function pattern(name: string): string {
  return name.replace(/[\\.[*^$+?(){}|]/g, String.raw`\$&`);
}
