import { closeSync, fsyncSync, writeSync } from "node:fs";
import type { Case, Check, Round, Run } from "../../document/run.ts";
import type { Both } from "../versus/sides.ts";
import type { RoundResult } from "../workloads/workload.ts";
import type { Attempt, JournalEntry, JournalHead, SessionEvent } from "./line.ts";

/** Where a run keeps what it has finished, so that its death costs no more than the round in hand. */
export interface Journal {
  checks(checks: readonly Check[]): void;
  /** An attempt at a case begins. */
  begun(attempt: Attempt): void;
  /** A round of the case in hand is finished. */
  round(round: Round, measured: RoundResult): void;
  /** The probes of the case in hand were read. */
  observed(result: Case): void;
  /** The case in hand came to its end. */
  finished(result: Case): void;
}

/** The same of two variants that are measured in pairs. */
export interface VersusJournal {
  /** A measurement of a case begins. */
  measuring(id: string, measurement: number): void;
  /** Its labs stand, or a pair of rounds is finished. */
  event(event: SessionEvent): void;
  /** The case came to its end. */
  compared(cases: Both<Case>): void;
}

/** The same of kernels in guests: a boot is finished, or has to be made again. */
export interface BootJournal {
  boot(run: Run): void;
}

/** For runs that are kept by nobody but their caller. */
export const NO_JOURNAL: Journal = {
  checks: () => {},
  begun: () => {},
  round: () => {},
  observed: () => {},
  finished: () => {},
};

/**
 * A journal on an open descriptor, which it closes in `close`. What cannot be written (a full disk) is told once
 * and costs the run nothing but its journal.
 */
export class FileJournal implements Journal, VersusJournal, BootJournal {
  readonly #fd: number;
  readonly #warn: (sentence: string) => void;
  readonly #began = process.hrtime.bigint();
  readonly #beforeNs: number;
  #broken = false;

  /** `beforeNs`: time that the run had taken when its journal was opened again. */
  constructor(fd: number, warn: (sentence: string) => void, beforeNs = 0) {
    this.#fd = fd;
    this.#warn = warn;
    this.#beforeNs = beforeNs;
  }

  head(head: JournalHead): void {
    this.#write(head);
    this.#sync();
  }

  resumed(resumedAt: string): void {
    this.#enter({ resumedAt });
  }

  checks(checks: readonly Check[]): void {
    this.#enter({ checks: [...checks] });
  }

  begun(begun: Attempt): void {
    this.#enter({ begun });
  }

  round(round: Round, measured: RoundResult): void {
    const { metrics, cpu, roundTrip, warnings, trials, learning } = measured;
    this.#enter({ round, measured: { metrics, cpu, roundTrip, warnings, trials, learning } });
  }

  observed(observed: Case): void {
    this.#enter({ observed });
    this.#sync();
  }

  finished(finished: Case): void {
    this.#enter({ finished });
    this.#sync();
  }

  measuring(id: string, measurement: number): void {
    this.#enter({ measuring: { id, measurement } });
  }

  event(event: SessionEvent): void {
    this.#enter(event);
  }

  compared(compared: Both<Case>): void {
    this.#enter({ compared });
    this.#sync();
  }

  boot(boot: Run): void {
    this.#enter({ boot });
    this.#sync();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #enter(entry: JournalEntry): void {
    const elapsedNs = this.#beforeNs + Number(process.hrtime.bigint() - this.#began);
    this.#write({ ...entry, elapsedNs });
  }

  #write(line: object): void {
    this.#unlessBroken(() => {
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    });
  }

  /** Not for every round: the disk would be at work in the next one. */
  #sync(): void {
    this.#unlessBroken(() => fsyncSync(this.#fd));
  }

  #unlessBroken(write: () => void): void {
    if (this.#broken) return;
    try {
      write();
    } catch (error) {
      this.#broken = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(
        `the journal cannot be written (${reason}): the run goes on, and could not be resumed`,
      );
    }
  }
}
