import type { Output } from "./progress.ts";

/** How wide a terminal is and whether it takes colours; what is none has 80 columns and none. */
export function terminalOptions(output: Output = process.stdout): {
  color: boolean;
  width: number;
} {
  return {
    color: output.isTTY === true && !process.env.NO_COLOR,
    width: output.isTTY === true ? output.columns || 80 : 80,
  };
}
