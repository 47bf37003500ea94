import type { Loss, LossWhy } from "./cause.ts";

/** What no other cause explains, with place and reason as the kernel gives them. */
export function other({ where, reason }: Loss): LossWhy {
  const why = reason === null ? "a kernel before 5.17 gives no reason" : `the reason ${reason}`;
  return {
    ...{ kind: "loss", cause: "other", basis: "observed", alternatives: [], remedy: null },
    title: where === null ? "frames left nowhere" : `${where} dropped them: ${why}`,
    evidence: [],
  };
}
