/** What of the records is looked at, and how keys change that. */
import { SORTS } from "./columns.ts";

export interface View {
  /** What lines are sorted by: `name` or a column. */
  sort: string;
  reverse: boolean;
  /** Lines whose name and owner hold this are shown. */
  filter: string;
  /** A filter is being typed. */
  typing: boolean;
  paused: boolean;
  /** What the keys do is shown in place of the ports. */
  help: boolean;
  /** Lines above the first that is shown. */
  offset: number;
  /** The line that Enter opens, among bridges. */
  selected: number;
  /** The bridge whose ports are shown; null for the ranking of all. */
  open: string | null;
  quit: boolean;
}

export const FIRST_VIEW: View = {
  sort: "in",
  reverse: false,
  filter: "",
  typing: false,
  paused: false,
  help: false,
  offset: 0,
  selected: 0,
  open: null,
  quit: false,
};

/** As node:readline names a key. */
export interface Key {
  name?: string | undefined;
  sequence?: string | undefined;
  ctrl?: boolean | undefined;
}

/** What `?` shows. */
export const KEYS: readonly (readonly [key: string, does: string])[] = [
  ["q, Ctrl-C", "quit"],
  ["s", "sort by the next column"],
  ["r", "reverse the order"],
  ["/", "filter by name and owner: Enter keeps the filter, Esc clears it"],
  ["arrows, j, k, PgUp, PgDn", "scroll the ports, or select a bridge"],
  ["Enter", "open the selected bridge"],
  ["Esc", "back to all bridges"],
  ["p, Space", "hold the picture, and let it go"],
  ["?", "these keys; any key leaves them"],
];

const LONGEST_FILTER = 64;
const PAGE = 10;

/** `bridges` are the ids of the ranking's lines, in their order; one or none where there is no ranking. */
export function press(view: View, key: Key, bridges: readonly string[]): View {
  if (key.ctrl && key.name === "c") return { ...view, quit: true };
  if (view.typing) return type(view, key);
  if (view.help && (key.name ?? key.sequence) !== "q") return { ...view, help: false };
  const ranked = view.open === null && bridges.length > 1;
  const step = (by: number): View =>
    ranked
      ? { ...view, selected: clamp(view.selected + by, bridges.length - 1) }
      : { ...view, offset: Math.max(0, view.offset + by) };
  switch (key.name ?? key.sequence) {
    case "q":
      return { ...view, quit: true };
    case "s": {
      const next = SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length] ?? view.sort;
      return { ...view, sort: next, offset: 0 };
    }
    case "r":
      return { ...view, reverse: !view.reverse };
    case "p":
    case "space":
      return { ...view, paused: !view.paused };
    case "?":
      return { ...view, help: true };
    case "/":
      return { ...view, typing: true, filter: "", offset: 0 };
    case "up":
    case "k":
      return step(-1);
    case "down":
    case "j":
      return step(1);
    case "pageup":
      return step(-PAGE);
    case "pagedown":
      return step(PAGE);
    case "return":
      return ranked ? { ...view, open: bridges[view.selected] ?? null, offset: 0 } : view;
    case "escape":
    case "backspace":
      return view.filter === ""
        ? { ...view, open: null, offset: 0 }
        : { ...view, filter: "", offset: 0 };
    default:
      return view;
  }
}

function type(view: View, key: Key): View {
  const { name, sequence = "" } = key;
  if (name === "return") return { ...view, typing: false };
  if (name === "escape") return { ...view, typing: false, filter: "" };
  if (name === "backspace") return { ...view, filter: view.filter.slice(0, -1) };
  const typed = Array.from(sequence);
  if (key.ctrl || typed.length !== 1 || /\p{C}/u.test(sequence)) return view;
  return { ...view, filter: (view.filter + sequence).slice(0, LONGEST_FILTER) };
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}
