/** A folder to write into that nobody has written into. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { asCaller } from "../system/privilege.ts";
import { printable } from "../text/printable.ts";

/** Makes it, for root or the caller behind sudo alone, or takes one that is empty: what is in one already is nobody's to overwrite. A UsageError says why `what` cannot be written there. */
export function claimFolder(folder: string, what: string): void {
  try {
    asCaller(() => {
      if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
      else if (readdirSync(folder).length > 0) {
        throw new UsageError(
          `the folder ${printable(folder)} is not empty; it was left as it is: name one that is empty or does not exist`,
        );
      }
    });
  } catch (cause) {
    if (cause instanceof BridgescopeError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`${what} cannot be written to ${printable(folder)} (${code})`, {
      cause,
    });
  }
}
