import type { RunProgress } from "../document/progress.ts";
import type { Run } from "../document/run.ts";

/**
 * A run that has begun. As a promise it is the run's document. As an async iterable it is the run's progress, to each
 * `for await` from its beginning on, until the run ends; any number may read at once.
 *
 * An iterator never throws and never stops the run: why a run was rejected is told by the promise alone. Whoever has
 * iterated is expected to await it afterwards, so from then on a rejection that nobody awaits does not end the process.
 */
export interface Running extends Promise<Run>, AsyncIterable<RunProgress> {}

/** Progress that is kept for a reader who is busy; of more the oldest is forgotten, so that nothing grows. */
export const KEPT = 100;

/** Starts at once. `start` is given what to call with each step of the run. */
export function runningOf(
  start: (onProgress: (progress: RunProgress) => void) => Promise<Run>,
): Running {
  const feeds = new Set<Feed>();
  let ended = false;
  const run = async () => {
    try {
      return await start((progress) => {
        for (const feed of feeds) feed.push(progress);
      });
    } finally {
      ended = true;
      for (const feed of feeds) feed.end();
      feeds.clear();
    }
  };
  const promise = run();
  return Object.assign(promise, {
    [Symbol.asyncIterator]: () => {
      promise.catch(() => {});
      const feed = new Feed(() => feeds.delete(feed));
      if (ended) feed.end();
      else feeds.add(feed);
      return feed;
    },
  });
}

/** What one reader has not read yet. */
class Feed implements AsyncIterator<RunProgress, undefined> {
  readonly #kept: RunProgress[] = [];
  readonly #waiting: ((result: IteratorResult<RunProgress, undefined>) => void)[] = [];
  readonly #leave: () => void;
  #ended = false;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  push(value: RunProgress): void {
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader({ done: false, value });
      return;
    }
    this.#kept.push(value);
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#waiting.splice(0)) reader({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<RunProgress, undefined>> {
    const value = this.#kept.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** `break` out of a `for await`. */
  return(): Promise<IteratorResult<RunProgress, undefined>> {
    this.#leave();
    this.#kept.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }
}
