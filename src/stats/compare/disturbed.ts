/** What disturbed the pairs of a session, as a value and with what to do next. */
import type { Disturbance, Session } from "../../document/session.ts";
import { casesOf, type Pair } from "./pair.ts";

interface Limit {
  /** Of one side of one session; null where the kernel does not tell. */
  value(noise: Disturbance, seconds: number): number | null;
  above: number;
  text(value: number): string;
}

/** Above these something is worth a word; each side's own value stands in the document. */
const LIMITS: readonly Limit[] = [
  {
    value: ({ steal }) => steal,
    above: 0.02,
    text: (share) =>
      `the hypervisor took ${percent(share)} of the CPU time; measure on a host of your own, or longer`,
  },
  {
    value: ({ softnetDrops }) => softnetDrops,
    above: 0,
    text: (drops) =>
      `${drops} frames were dropped from a full backlog; raise net.core.netdev_max_backlog, or send at a --rate`,
  },
  {
    value: ({ involuntarySwitches }, seconds) =>
      seconds > 0 ? involuntarySwitches / seconds : null,
    above: 100,
    text: (rate) =>
      `the sender was taken off its CPU ${Math.round(rate)} times a second; \`top\` shows who competes, and --cpus gives the sender another CPU`,
  },
  {
    value: ({ pressure }) => pressure,
    above: 0.25,
    text: (share) =>
      `tasks waited for a CPU in ${percent(share)} of the time; end what else is running, or give a longer --budget`,
  },
  {
    value: ({ autocorrelation }) => autocorrelation,
    above: 0.5,
    text: (value) =>
      `a round says much of the next one (lag-1 autocorrelation ${value.toFixed(2)}): the host drifts, and these rounds are worth something in their pairs alone`,
  },
];

/** One sentence a case and disturbance, with the worst value of both sides. */
export function disturbed(pair: Pair): string[] {
  return casesOf(pair).flatMap(({ id, base, candidate }) => {
    const sessions = [...(base?.sessions ?? []), ...(candidate?.sessions ?? [])];
    const found = LIMITS.flatMap(({ value, above, text }) => {
      const values = sessions.map((one) => value(one.noise, (one.pairs * one.roundNs) / 1e9));
      const worst = Math.max(...values.map((one) => one ?? Number.NEGATIVE_INFINITY));
      return worst > above ? [`${id}: ${text(worst)}.`] : [];
    });
    return [...(base?.sessions ?? []).flatMap((one) => unsettled(id, one)), ...found];
  });
}

function unsettled(id: string, { settled, warmUp, stopped }: Session): string[] {
  if (settled || stopped === "failed" || stopped === "interrupted") return [];
  return [
    `${id}: the end of the warm-up was not found within ${warmUp} pairs, so they were all left out: something on this host drifts; give a longer --budget, or measure at a quieter hour.`,
  ];
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(2)} %`;
}
