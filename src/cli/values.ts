/** Values of options that several commands take. */

import { UsageError } from "../system/errors.ts";
import { parseDuration } from "../text/duration.ts";
import { printable } from "../text/printable.ts";

/** Seconds of `10s` or `500ms`. */
export function secondsOf(text: string, option: string): number {
  const ns = parseDuration(text);
  if (ns === null || ns <= 0) {
    throw new UsageError(`${option} is a time such as 10s or 500ms, not "${printable(text)}"`);
  }
  return ns / 1e9;
}

/** --max-overhead: a share of one CPU, of `2%` or `0.02`. */
export function overheadOf(text: string): number {
  const [, digits = "", sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const share = sign === "%" ? Number(digits) / 100 : Number(digits);
  if (digits === "" || share <= 0 || share > 1) {
    throw new UsageError(
      `--max-overhead is a share of one CPU, more than 0 and at most 100%: expected 2% or 0.02, not "${printable(text)}"`,
    );
  }
  return share;
}
