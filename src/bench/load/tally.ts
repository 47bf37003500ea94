/** What a receiving thread has got so far, in memory that the others can read at any time. One thread writes. */
export class Tally {
  readonly memory: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(memory = new SharedArrayBuffer(16)) {
    this.memory = memory;
    this.#cells = new BigInt64Array(memory);
  }

  add(amount: number, nowNs: number): void {
    Atomics.store(this.#cells, 0, Atomics.load(this.#cells, 0) + BigInt(amount));
    Atomics.store(this.#cells, 1, BigInt(nowNs));
  }

  /** Bytes or datagrams since the thread began. */
  get received(): number {
    return Number(Atomics.load(this.#cells, 0));
  }

  /** When the last of them came, by process.hrtime. */
  get lastNs(): number {
    return Number(Atomics.load(this.#cells, 1));
  }
}
