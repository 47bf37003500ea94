import type { LossWhy } from "./cause.ts";

/** What no cause explains, with place and reason as the kernel gives them. */
export function other(where: string, reason: string | null): LossWhy {
  const why = reason === null ? "this kernel gives no reason" : `the reason is ${reason}`;
  return {
    ...{ kind: "loss", cause: "other", basis: "observed", alternatives: [], remedy: null },
    title: `${where} dropped them: ${why}`,
    evidence: [],
  };
}
