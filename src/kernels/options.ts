export interface EnsureOptions {
  /** URL of a Debian archive; the machine's own mirror when absent. */
  mirror?: string | undefined;
  signal?: AbortSignal | undefined;
  progress?: ((what: string) => void) | undefined;
  /** Ask the mirror even when the cache has one, and take what has changed. */
  refresh?: boolean | undefined;
}
