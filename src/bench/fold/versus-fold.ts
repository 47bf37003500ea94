import { randomBytes } from "node:crypto";
import type { RunEvent } from "../../document/event.ts";
import { type Run, runSchema } from "../../document/run.ts";
import { type Both, SIDES, type SideName } from "../plan/sides.ts";
import type { VersusPlan } from "../plan/versus-plan.ts";
import { CaseFold } from "./case-fold.ts";
import { ForeignSeen } from "./foreign.ts";
import { type Ending, noteResume, valid, withForeign } from "./run-fold.ts";

/** The documents of two variants, as far as their events tell them. */
export class VersusFold {
  readonly #runs: Both<Run>;
  readonly #plan: VersusPlan;
  readonly #seed: number;
  readonly #foreign = new ForeignSeen();
  #inHand: Both<CaseFold> | null = null;

  constructor(begun: Run, plan: VersusPlan, seed: number) {
    this.#plan = plan;
    this.#seed = seed;
    const session = randomBytes(8).toString("hex");
    const of = (side: SideName): Run => ({
      ...structuredClone(begun),
      id: `${begun.id}-${side}`,
      pairing: { session, side, label: plan.labels[side] },
    });
    this.#runs = { base: of("base"), candidate: of("candidate") };
  }

  enter(event: RunEvent): void {
    for (const side of SIDES) noteResume(this.#runs[side], event);
    this.#foreign.enter(event);
    if (event.act === "begin") this.#inHand = this.#begin(event.id);
    for (const side of SIDES) this.#inHand?.[side].enter(event);
    if (event.act === "end") this.#end("complete");
  }

  documents({ interrupted, durationNs }: Ending): Both<Run> {
    this.#end("interrupted");
    const of = (side: SideName): Run => {
      const run = { ...this.#runs[side], durationNs };
      run.environment = withForeign(run.environment, this.#foreign);
      const failed = run.cases.some((one) => one.state === "failed");
      run.state = interrupted ? "interrupted" : failed ? "failed" : "complete";
      return runSchema.parse(run);
    };
    return { base: of("base"), candidate: of("candidate") };
  }

  #begin(id: string): Both<CaseFold> {
    const planned = this.#plan.cases.find(({ base }) => base.id === id);
    if (planned === undefined) throw new RangeError(`no case ${id} is planned`);
    const of = (side: SideName) => new CaseFold(planned[side], { slot: side, seed: this.#seed });
    return { base: of("base"), candidate: of("candidate") };
  }

  #end(state: "complete" | "interrupted"): void {
    const cases = this.#inHand;
    this.#inHand = null;
    if (cases === null) return;
    for (const side of SIDES) this.#runs[side].cases.push(valid(cases[side].document(state)));
  }
}
