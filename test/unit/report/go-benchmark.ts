/**
 * A reader of Go benchmark text by golang.org/design/14313-benchmark-format and what benchstat makes
 * of names (golang.org/x/perf, benchfmt and benchproc/syntax): what those refuse is thrown here.
 */
export interface GoResult {
  readonly config: Record<string, string>;
  readonly base: string;
  readonly keys: Record<string, string>;
  readonly gomaxprocs: string;
  readonly iterations: number;
  /** By unit. */
  readonly values: Record<string, number>;
}

export interface GoBenchmarks {
  readonly results: GoResult[];
  readonly better: Record<string, string>;
}

export function parseGoBenchmarks(text: string): GoBenchmarks {
  const config: Record<string, string> = {};
  const better: Record<string, string> = {};
  const results: GoResult[] = [];
  for (const line of text.split("\n")) {
    const fields = line.split(/\s+/u).filter((field) => field !== "");
    const [first = "", second = "", third = ""] = fields;
    const [, key = "", value = ""] = /^(\p{Ll}[^\s\p{Lu}:]*):[ \t]+(.*)$/u.exec(line) ?? [];
    if (line.startsWith("Benchmark")) results.push(parsed(fields, { ...config }));
    else if (first === "Unit") direct(better, second, third);
    else if (key !== "") config[key] = value;
    else if (line !== "" && !line.startsWith("#"))
      throw new Error(`neither this nor that: ${line}`);
  }
  return { results, better };
}

function parsed(
  [name = "", count = "", ...pairs]: string[],
  config: Record<string, string>,
): GoResult {
  if (!/^\d+$/.test(count)) throw new Error(`iterations: ${count}`);
  if (pairs.length === 0 || pairs.length % 2 === 1) throw new Error(`no pairs: ${pairs.join(" ")}`);
  const values: Record<string, number> = {};
  for (let at = 0; at < pairs.length; at += 2) {
    const [value = "", unit = ""] = pairs.slice(at, at + 2);
    if (!/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(value)) throw new Error(`no float: ${value}`);
    if (unit in values) throw new Error(`twice in a line: ${unit}`);
    values[unit] = Number(value);
  }
  return { config, ...named(name), iterations: Number(count), values };
}

function named(name: string): Pick<GoResult, "base" | "keys" | "gomaxprocs"> {
  const [, whole = "", gomaxprocs = ""] = /^Benchmark(.*?)(?:-(\d+))?$/.exec(name) ?? [];
  const [base = "", ...parts] = whole.split("/");
  const keys: Record<string, string> = {};
  for (const part of parts) {
    const [key = "", ...value] = part.split("=");
    if (value.length === 0) throw new Error(`a part without a key: ${part}`);
    if (key in keys) throw new Error(`twice in a name: ${key}`);
    keys[key] = value.join("=");
  }
  return { base, keys, gomaxprocs };
}

function direct(better: Record<string, string>, unit: string, word: string): void {
  if (unit in better) throw new Error(`told twice: ${unit}`);
  const [, way = ""] = /^better=(lower|higher)$/.exec(word) ?? [];
  if (way === "") throw new Error(`no direction: ${word}`);
  better[unit] = way;
}
