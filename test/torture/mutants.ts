/** Values that one may take for another, or that are none. */
const VALUES = [
  ...["null", "true", "{}", "[]", '""', '"NaN"', "0", "-1", "-0", "1e999", "-1e999", "1e308"],
  ...["9007199254740993", "4294967296", "0.1", "1e-320", "NaN", "Infinity", "undefined", "01"],
  ...['"__proto__"', '"constructor"', '"toString"', '"\\u001b[31m"', '"\\u0000"', '"\\ud800"'],
];
const OTHERS = [
  ...["&a [*a]", "*a", "!!js/function x", "<<: *a", "|", ">", "---", "?", "\t", "\u2028", "\u0000"],
  ...["{", "}", "[", "]", ",", ":", '"', "'", "\\", "\n", "\r", " ", "%", "- ", "#", "/", "\u202e"],
  ..."time=99999999999999999999 ms|0 packets transmitted, 0 received time 0ms|ms|99999999999".split(
    "|",
  ),
];
const WORDS = [...VALUES, ...OTHERS];
const IS_VALUE = /^(?:["\d-]|\w+$)/;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\w+|\s+|[\s\S]/g;
const MOST_CHANGES = 4;
const LONGEST_RUN = 12;

/**
 * Makes texts out of these that are nearly like them: up to four tokens or runs of tokens are not as they were. Half of
 * the texts keep their form, so that what is behind the grammar sees them too.
 */
export function mutantsOf(corpus: readonly string[]): (random: () => number) => string {
  const tokens = corpus.map((text) => text.match(TOKEN) ?? []);
  const places = tokens.map((all) =>
    all.flatMap((token, at) => (IS_VALUE.test(token) ? [at] : [])),
  );
  return (random) => {
    const below = (end: number) => Math.floor(random() * end);
    const [which, second] = [below(tokens.length), below(tokens.length)];
    const one = [...(tokens[which] ?? [])];
    const other = tokens[second] ?? [];
    if (random() < 0.5) {
      const [here = [], there = []] = [places[which], places[second]];
      for (let change = 0; change <= below(MOST_CHANGES); change++) {
        const taken = other[there[below(there.length)] ?? 0];
        one[here[below(here.length)] ?? 0] =
          (random() < 0.5 ? VALUES[below(VALUES.length)] : taken) ?? "";
      }
      return one.join("");
    }
    for (let change = 0; change <= below(MOST_CHANGES); change++) {
      const at = below(one.length + 1);
      const run = 1 + below(LONGEST_RUN);
      const word = WORDS[below(WORDS.length)] ?? "";
      const from = below(other.length);
      switch (below(7)) {
        case 0:
          one.splice(at, 1);
          break;
        case 1:
          one.splice(at, run);
          break;
        case 2:
          one.splice(at, 0, word);
          break;
        case 3:
          one.splice(at, 0, ...one.slice(at, at + run));
          break;
        case 4:
          one.splice(at, run, ...other.slice(from, from + run));
          break;
        case 5:
          if (below(4) === 0) one.splice(at);
          else one[at] = String.fromCharCode(below(0x10000));
          break;
        default:
          one[at] = word;
      }
    }
    return one.join("");
  };
}
