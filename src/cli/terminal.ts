/** How wide this terminal is and whether it takes colours; a pipe has 80 columns and none. */
export function terminalOptions(): { color: boolean; width: number } {
  const { stdout, env } = process;
  return {
    color: stdout.isTTY === true && !env.NO_COLOR,
    width: stdout.isTTY === true ? (stdout.columns ?? 80) : 80,
  };
}
