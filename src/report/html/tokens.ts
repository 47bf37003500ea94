/** Every colour, size and font of the page. Marks use the Okabe-Ito palette. */
import type { Verdict } from "../../document/compare.ts";
import type { Decision, Stage } from "../../document/run.ts";

const OKABE_ITO = {
  orange: "#e69f00",
  sky: "#56b4e9",
  green: "#009e73",
  yellow: "#f0e442",
  blue: "#0072b2",
  vermillion: "#d55e00",
  purple: "#cc79a7",
} as const;

export const STAGE_COLOURS: Record<Stage, string> = {
  "veth.in": OKABE_ITO.green,
  "bridge.forward": OKABE_ITO.blue,
  "bridge.flood": OKABE_ITO.vermillion,
  "bridge.learn": OKABE_ITO.purple,
  "bridge.lookup": OKABE_ITO.sky,
  "veth.out": OKABE_ITO.green,
  path: OKABE_ITO.orange,
};

export const ROUND_TRIP_COLOUR = OKABE_ITO.blue;

export const DECISION_COLOURS: Record<Decision, string> = {
  knownUnicast: OKABE_ITO.blue,
  unknownUnicast: OKABE_ITO.vermillion,
  broadcast: OKABE_ITO.orange,
  multicast: OKABE_ITO.purple,
  local: OKABE_ITO.green,
  filtered: "var(--neutral)",
};

export const VERDICT_COLOURS: Record<Verdict["verdict"], string> = {
  regression: OKABE_ITO.vermillion,
  improvement: OKABE_ITO.green,
  unchanged: "var(--neutral)",
  inconclusive: OKABE_ITO.orange,
};

/** The base, then each candidate; from the sixth on they come again. */
export const SIDE_COLOURS = [
  "var(--neutral)",
  OKABE_ITO.blue,
  OKABE_ITO.vermillion,
  OKABE_ITO.green,
  OKABE_ITO.purple,
  OKABE_ITO.orange,
] as const;

export const LIGHT = {
  "--ground": "#ffffff",
  "--panel": "#f5f7f9",
  "--ink": "#1a1f25",
  "--soft": "#59636e",
  "--rule": "#d5dbe1",
  "--grid": "#e6eaee",
  "--neutral": "#8c959f",
  "--link": "#005a8c",
  "--alarm": "#a33c00",
  "--alarm-ground": "#fff1e8",
  "--caution": "#7a5200",
  "--caution-ground": "#fff8e1",
  "--good": "#00694c",
  "--good-ground": "#e9f7f2",
} as const;

export const DARK: Record<keyof typeof LIGHT, string> = {
  "--ground": "#11151a",
  "--panel": "#191f26",
  "--ink": "#e4e8ec",
  "--soft": "#9da7b3",
  "--rule": "#333c46",
  "--grid": "#272e36",
  "--neutral": "#7d8793",
  "--link": "#7cc4f0",
  "--alarm": "#ff9d66",
  "--alarm-ground": "#331c0e",
  "--caution": "#f0c04a",
  "--caution-ground": "#2d2509",
  "--good": "#4fc9a0",
  "--good-ground": "#0d2a21",
};

export const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
export const MONO =
  'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace';

/** Width of every figure in user units; CSS scales it. */
export const FIGURE_WIDTH = 960;

/** A class name for a stage: dots are not for CSS. */
export function stageClass(stage: Stage): string {
  return `s-${stage.replace(".", "-")}`;
}

export const ROUND_TRIP_CLASS = "round-trip";

export function decisionClass(decision: Decision): string {
  return `k-${decision}`;
}

export function verdictClass(verdict: Verdict["verdict"]): string {
  return `v-${verdict}`;
}

/** By place: 0 is the base. */
export function sideClass(place: number): string {
  const candidates = SIDE_COLOURS.length - 1;
  return `o-${place === 0 ? 0 : 1 + ((place - 1) % candidates)}`;
}
