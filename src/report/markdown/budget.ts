/** GitHub takes 65,536 characters a comment: sections share what there is, and say what they left out. */
import { byteLength, type Markdown } from "../../text/markdown.ts";

/** What "… more rows" may take. */
export const NOTE = 160;

export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /**
   * As many of the rows as fit into `share` bytes and what earlier sections did not use;
   * `reserved` is what the sections still to come may count on.
   */
  fit(rows: readonly Markdown[], reserved: number): { shown: Markdown[]; left: number } {
    let room = this.#left - reserved - NOTE;
    const shown: Markdown[] = [];
    for (const one of rows) {
      room -= byteLength(one.text) + 1;
      if (room < 0) break;
      shown.push(one);
    }
    this.spend(shown.reduce((sum, one) => sum + byteLength(one.text) + 1, NOTE));
    return { shown, left: rows.length - shown.length };
  }

  spend(bytes: number): void {
    this.#left -= bytes;
  }
}
