import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { programChecksum, programFiles, readProgram } from "../../../src/probes/include.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bridgescope-include-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(file: string, ...lines: string[]): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), `${lines.join("\n")}\n`);
}

describe("a program", () => {
  test("has its pieces in it, without what their heads say, indented as the include is", () => {
    write(
      "pieces/mac.bt",
      "/*",
      " * Sets $mac.",
      " */",
      "/* Kept. */",
      "if ($a) {",
      "\t$mac = 1;",
      "",
      "}",
    );
    write("a/one.bt", "BEGIN", "{", "\t// @include mac.bt", "\t$b = 2;", "}");
    expect(readProgram(folder, "a/one.bt")).toBe(
      "BEGIN\n{\n\t/* Kept. */\n\tif ($a) {\n\t\t$mac = 1;\n\n\t}\n\t$b = 2;\n}\n",
    );
  });

  test("says what a piece's words stand for, also in the pieces within", () => {
    write(
      "pieces/outer.bt",
      "@n[PORT] = count();",
      "// @include inner.bt AT=$skb->data + 14 TO=PORT",
    );
    write("pieces/inner.bt", 'printf("%d\\n", *(uint32 *)(AT), TO);');
    write("one.bt", "// @include outer.bt PORT=$1 & 7");
    expect(readProgram(folder, "one.bt")).toBe(
      '@n[$1 & 7] = count();\nprintf("%d\\n", *(uint32 *)($skb->data + 14), $1 & 7);\n',
    );
  });

  test("is refused where a piece is missing, includes itself or has other words", () => {
    write("pieces/one.bt", "// @include two.bt");
    write("pieces/two.bt", "// @include one.bt");
    write("pieces/mark.bt", "/* NONCE is a parameter. */", "$x = NONCE; /* NOTHING */");
    const error = (line: string) => {
      write("program.bt", line);
      return () => readProgram(folder, "program.bt");
    };
    expect(error("// @include three.bt")).toThrow("program.bt: there is no piece pieces/three.bt");
    expect(error("// @include one.bt")).toThrow("one.bt includes two.bt includes one.bt");
    expect(error("// @include mark.bt")).toThrow("program.bt: mark.bt needs a word NONCE");
    expect(error("// @include mark.bt NONCE=$1 ROUND=$2")).toThrow("mark.bt has no word ROUND");
    expect(error("// @include mark.bt $1")).toThrow("cannot be read: // @include mark.bt $1");
    expect(error("$a = 1; // @include mark.bt NONCE=$1")).toThrow("cannot be read");
    expect(error("// @include ../../secret.bt")).toThrow("cannot be read");
  });

  test("is the same program whatever its comments and white space", () => {
    const text = 'BEGIN\n{\n\tprintf("a  // b\\n"); /* why */\n\t$x = 8 / 2;\n}\n';
    const same = 'BEGIN {\n  printf("a  // b\\n");\n  $x = 8/2; // half\n}';
    expect(programChecksum(same)).toBe(programChecksum(text));
    expect(programChecksum(text.replace("a  //", "a //"))).not.toBe(programChecksum(text));
    expect(programChecksum(text.replace("8 / 2", "8 / 4"))).not.toBe(programChecksum(text));
  });
});

test("pieces are no programs, and every program resolves", () => {
  const files = programFiles("src/probes");
  expect(files).toContain("time/bridge.bt");
  expect(files.filter((file) => file.includes("pieces"))).toEqual([]);
  for (const file of files) expect(readProgram("src/probes", file)).not.toContain("@include");
});
