/** What a change is on a bridge as it is now, and how its commands are written. */

import type { Place } from "../../bridge/state.ts";
import { wordsAt } from "../../bridge/words-at.ts";
import { commandLine } from "../../text/command-line.ts";

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

/** A command as a person types it on the host to have it done in that namespace. */
export function ipCommand(place: Place, ...words: string[]): string {
  return commandLine(wordsAt(place, ["ip", ...words]));
}

export function bridgeCommand(place: Place, ...words: string[]): string {
  return commandLine(wordsAt(place, ["bridge", ...words]));
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
