/** What the main thread and a thread of a workload tell each other while the latter is in its loop. */
export class Control {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  /** Asked by the thread at least every LOOK_MS: shows that it lives, and false when it shall end. */
  running(): boolean {
    Atomics.add(this.#cells, 1, 1);
    return Atomics.load(this.#cells, 0) === 0;
  }

  stop(): void {
    Atomics.store(this.#cells, 0, 1);
  }

  /** How often the thread has asked. */
  get beats(): number {
    return Atomics.load(this.#cells, 1);
  }
}

/** No system call of a thread waits longer: a thread inside one can be neither told nor ended. */
export const LOOK_MS = 100;
