/** One connection of a client that sends requests and waits for their answers. */
export interface Exchange {
  /** Sends a request whose clock began at `startNs`; only as many at once as it was made for. */
  send(startNs: number, nowNs: number): void;
  /** Does what epoll says can be done. */
  ready(events: number): void;
  /** Gives up requests that were sent before this moment and returns how many, or throws where none may be lost. */
  expire(beforeNs: number): number;
}

/** Called for every answer, with what `send` was told of its request. */
export type Answered = (startNs: number) => void;
