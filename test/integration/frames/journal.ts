import { type Account, readAccount } from "../../../src/probes/account.ts";
import { probeMaps } from "../../model/probe-maps.ts";

/** What bridge.bt printed about one frame, in its order. */
export interface FrameLines {
  number: number;
  lines: Line[];
}

interface Line {
  word: string;
  /** Numbers behind the frame's own. */
  values: number[];
}

/** The lines of one probe session, sorted by frame. */
export interface Journal {
  add(line: string): void;
  /** Resolves once the frame was seen at ingress; an error names it and `who` when it was not within `timeoutMs`. */
  arrival(number: number, timeoutMs: number, who: string): Promise<void>;
  frame(number: number): FrameLines;
  /** Frames that carry no number of ours. */
  readonly strangers: FrameLines[];
}

/** `isOurs` tells a test frame's number from what another frame happens to carry in its place. */
export function createJournal(isOurs: (number: number) => boolean): Journal {
  const ours = new Map<number, FrameLines>();
  const strangers: FrameLines[] = [];
  const waiting = new Map<number, () => void>();

  function frame(number: number): FrameLines {
    const found = ours.get(number) ?? { number, lines: [] };
    ours.set(number, found);
    return found;
  }

  function stranger(number: number, word: string): FrameLines {
    const latest = strangers.findLast((candidate) => candidate.number === number);
    if (word !== "in" && latest !== undefined) return latest;
    const found = { number, lines: [] };
    strangers.push(found);
    return found;
  }

  return {
    add(text) {
      const [word = "", ...rest] = text.split(" ");
      const [number = 0, ...values] = rest.map(Number);
      const target = isOurs(number) ? frame(number) : stranger(number, word);
      target.lines.push({ word, values });
      if (word === "in") waiting.get(number)?.();
    },
    async arrival(number, timeoutMs, who) {
      if (ours.get(number)?.lines.some(({ word }) => word === "in")) return;
      let timer: NodeJS.Timeout | undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          waiting.set(number, resolve);
          timer = setTimeout(() => {
            reject(
              new Error(
                `the ${who} probes did not see frame ${number} come in within ${timeoutMs} ms`,
              ),
            );
          }, timeoutMs);
        });
      } finally {
        clearTimeout(timer);
        waiting.delete(number);
      }
    },
    frame,
    strangers,
  };
}

/**
 * The account of one frame, by the program's own rule for its totals: the maps that bridge.bt would
 * hold had it seen nothing else, read by the code that reads the real ones.
 */
export function accountOf({ lines }: FrameLines, ports: readonly number[]): Account {
  const maps: Record<string, Record<string, number>> = {};
  const count = (map: string, ...key: number[]) => {
    const counts = maps[map] ?? {};
    maps[map] = counts;
    counts[key.join(",")] = (counts[key.join(",")] ?? 0) + 1;
  };
  let [from, copies] = [-1, 0];
  for (const { word, values } of lines) {
    const [port = -1, cls = -1] = values;
    switch (word) {
      case "in":
        [from, copies] = [port, 0];
        count("in", from);
        break;
      case "copy":
        count("way", port, from, (cls << 1) | Number(copies === 0));
        copies++;
        break;
      case "learned":
      case "moved":
        count(word, from);
        break;
      default:
        throw new Error(`bridge.bt printed an unknown word: ${word}`);
    }
  }
  return readAccount(probeMaps(maps), ports);
}
