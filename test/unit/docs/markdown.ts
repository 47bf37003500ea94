/** What a page of the docs tells people to type or to copy. */
export interface Block {
  readonly language: string;
  readonly text: string;
}

export function blocksIn(page: string): Block[] {
  const fenced = page.matchAll(/^(`{3,})(\w*)\n(.*?)^\1$/gms);
  return [...fenced].map(([, , language = "", text = ""]) => ({ language, text }));
}

/** The words after each `bridgescope` that begins a command, as a shell parts them. */
export function commandsIn(text: string): string[][] {
  const lines = text.replaceAll(/\\\n\s*/g, "").split("\n");
  return lines.flatMap((line) => {
    const [, rest] = /(?:^|\s)bridgescope ([a-z].*)$/.exec(line) ?? [];
    return rest === undefined ? [] : [shellWords(rest)];
  });
}

/** Up to the first redirection, pipe, comment or end of a command. */
function shellWords(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^(>|>>|\||&&|;|#.*)$/.test(word)) break;
    words.push(word.replaceAll(/['"]/g, ""));
  }
  return words;
}
