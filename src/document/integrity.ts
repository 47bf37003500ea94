/** A checksum that tells whether a document still says what was written. It is no signature: whoever edits it can make another. */
import { createHash } from "node:crypto";
import type { Run } from "./run.ts";

/** With `.integrity`, unless it has one: that of a document which was read stays what it was. */
export function sealed(run: Run): Run {
  return run.integrity === undefined ? { ...run, integrity: checksumOf(run) } : run;
}

/** Whether a run says something else than when it was sealed; false for one that never was. */
export function isEdited(run: Run): boolean {
  return run.integrity !== undefined && run.integrity !== checksumOf(run);
}

/** SHA-256 of the document without its checksum as JSON with sorted keys and no spaces, in the form of a subresource's. */
function checksumOf({ integrity: _, ...run }: Run): string {
  const text = JSON.stringify(run, (_key, value: unknown) => sorted(value));
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
