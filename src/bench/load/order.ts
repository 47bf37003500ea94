/** How a round of sockets is bounded and paced. */
export interface RoundOrder {
  durationNs: number;
  /** Messages or requests after which the round ends instead; null for the duration. */
  amount: number | null;
  /** Messages or requests a second over all connections; null for as fast as possible. */
  rate: number | null;
}

/** What the sender of a stream did in a round. */
export interface StreamResult {
  /** Writes or datagrams that were sent. */
  messages: number;
  /** When the first was, by process.hrtime. */
  beganNs: number;
  /** What the sending took. */
  elapsedNs: number;
  /** True when the rate that was asked for was not. */
  unreached: boolean;
  cpu: { userNs: number; systemNs: number };
}
