import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Where pieces lie, in the folder of the programs. */
const PIECES = "pieces";

/** `// @include PIECE.bt WORD=text WORD=text`, alone on its line. */
const INCLUDE = /^([ \t]*)\/\/ @include (\w[\w-]*\.bt)((?: [A-Z_]+=.*)?)$/;

/** A piece's first comment says what it expects and sets; the programs do not repeat it. */
const HEAD = /^\/\*[\s\S]*?\*\/\n+/;

/**
 * The text of the program `file` in `folder`, with each include replaced by its piece: a word such as `NONCE` by what the
 * line gives for it, and every line indented as the include is. The build writes the same text, so that a program can
 * be run by hand. Throws for a piece that is not there, that includes itself, or whose words are not those given.
 */
export function readProgram(folder: string, file: string): string {
  return resolved(folder, readFileSync(path.join(folder, file), "utf8"), file, []);
}

function resolved(folder: string, text: string, name: string, open: readonly string[]): string {
  const lines = text.split("\n").map((line) => {
    const [include, indent = "", piece = "", words = ""] = INCLUDE.exec(line) ?? [];
    if (include === undefined) {
      if (line.includes("@include")) throw new Error(`${name}: cannot be read: ${line.trim()}`);
      return line;
    }
    if (open.includes(piece)) {
      throw new Error(`${name}: ${[...open, piece].join(" includes ")}`);
    }
    const body = withWords(pieceText(folder, piece, name), piece, words, name);
    return resolved(folder, body, `${PIECES}/${piece}`, [...open, piece])
      .split("\n")
      .map((one) => (one === "" ? one : indent + one))
      .join("\n");
  });
  return lines.join("\n");
}

function pieceText(folder: string, piece: string, name: string): string {
  try {
    const text = readFileSync(path.join(folder, PIECES, piece), "utf8");
    return text.replace(HEAD, "").trimEnd();
  } catch (cause) {
    throw new Error(`${name}: there is no piece ${PIECES}/${piece}`, { cause });
  }
}

function withWords(text: string, piece: string, words: string, name: string): string {
  let body = text;
  for (const given of words.split(/ (?=[A-Z_]+=)/).filter((one) => one !== "")) {
    const at = given.indexOf("=");
    const word = new RegExp(`\\b${given.slice(0, at)}\\b`, "g");
    if (!word.test(body)) {
      throw new Error(`${name}: ${piece} has no word ${given.slice(0, at)}`);
    }
    body = body.replace(word, () => given.slice(at + 1));
  }
  const left = withoutComments(body).match(/[A-Z][A-Z_]+/g) ?? [];
  const lacking = left.find((word) => word !== "BEGIN" && word !== "END");
  if (lacking !== undefined) throw new Error(`${name}: ${piece} needs a word ${lacking}`);
  return body;
}

/** The programs below `folder`, as `time/bridge.bt`, in their order; pieces are none. */
export function programFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".bt") && !file.startsWith(`${PIECES}/`))
    .sort();
}

/** SHA-256 of what bpftrace makes of a program's text: comments and white space do not count. */
export function programChecksum(text: string): string {
  return createHash("sha256").update(withoutComments(text)).digest("hex");
}

function withoutComments(text: string): string {
  return text.replace(/("(?:\\.|[^"\\\n])*")|\/\*[\s\S]*?\*\/|\/\/[^\n]*|\s+/g, "$1");
}
