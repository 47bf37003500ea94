/** What the script in the guest is asked for, as its only argument. */
export interface PadRequest {
  /** How many instructions the stage veth.in is made longer by, each so often. */
  pads: readonly number[];
  rounds: number;
  seed: number;
}

/** One of its rounds, in the order in which they were measured. */
export interface PadRound {
  extra: number;
  /** Of the stage, with the probes' own: what most passages took. */
  instructions: number;
  /** Passages that took just that. */
  passages: number;
}
