import { printable } from "../text/printable.ts";

/**
 * Errors a person is meant to read: one sentence that says what was expected, found, and what to do. Whatever it
 * quotes, nothing in it is obeyed by a terminal.
 */
export class BridgescopeError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message.split("\n").map(printable).join("\n"), options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** The request itself is wrong: exit 2, before anything is touched. */
export class UsageError extends BridgescopeError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, 2, options);
  }
}

/** The machine lacks something that was named in the message, with the remedy: exit 4. */
export class PrerequisiteError extends BridgescopeError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, 4, options);
  }
}

/** A foreign tool was missing, hung, failed, or printed what it never prints. */
export class ToolError extends BridgescopeError {
  readonly tool: string;
  constructor(tool: string, message: string, options?: ErrorOptions) {
    super(message, 1, options);
    this.tool = tool;
  }
}

/** A foreign tool neither answered nor failed: of what it was asked nothing is known. */
export class HangError extends ToolError {}
