/**
 * A worker's file beside this one. Node 20 runs no TypeScript, so when the sources are run as they
 * are (the tests do) the worker is the built one.
 */
export function workerUrl(name: string): URL {
  const here = import.meta.url;
  return new URL(
    here.endsWith(".ts") ? `../../../dist/bench/load/${name}.js` : `./${name}.js`,
    here,
  );
}
