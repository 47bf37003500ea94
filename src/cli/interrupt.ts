import { constants } from "node:os";

const AGAIN_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interruption {
  signal: AbortSignal;
  /** 128 + n of the signal that came, or null. */
  exitCode(): number | null;
  /** Takes the handlers off again. */
  release(): void;
}

/**
 * The first signal asks for an end with the finished work kept; a second one, half a second later or
 * more, ends at once. (A signal to a process group reaches us more than once.) What a run made dies
 * with the process either way; a lab to keep that was being built or removed is for `lab gc`.
 */
export function onInterrupt(notice: () => void): Interruption {
  const controller = new AbortController();
  let code: number | null = null;
  let first = 0;
  const handlers = SIGNALS.map((name) => {
    const handler = () => {
      if (code !== null) {
        if (Date.now() - first > AGAIN_MS) process.exit(128 + constants.signals[name]);
        return;
      }
      first = Date.now();
      code = 128 + constants.signals[name];
      notice();
      controller.abort(new Error(`interrupted by ${name}`));
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    signal: controller.signal,
    exitCode: () => code,
    release: () => {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}

/** The exit status of a signal, for commands that a person ends with Ctrl-C in the normal way: null for that one. */
export function unlessCtrlC(interruption: Interruption): number | null {
  const code = interruption.exitCode();
  return code === 128 + constants.signals.SIGINT ? null : code;
}
