import { close } from "../../system/libc.ts";

/** The descriptors that a thread has opened itself. The process owns them: nobody closes them when a thread ends. */
export class Descriptors {
  readonly #open = new Set<number>();

  keep(fd: number): number {
    this.#open.add(fd);
    return fd;
  }

  close(fd: number): void {
    if (this.#open.delete(fd)) close(fd);
  }

  /** Someone else closes it from now on. */
  release(fd: number): number {
    this.#open.delete(fd);
    return fd;
  }

  closeAll(): void {
    for (const fd of [...this.#open]) this.close(fd);
  }
}
