import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import ts from "typescript";

const ROOT = path.resolve(import.meta.dirname, "../../..");

/** Sources as plain JavaScript in a folder of their own, for child processes that tests kill. */
export interface Compiled {
  /** Writes a module beside `src` and gives its path. */
  script(name: string, code: string): string;
  remove(): void;
}

export function compileSources(): Compiled {
  const folder = mkdtempSync(path.join(tmpdir(), "bridgescope-js-"));
  const source = path.join(ROOT, "src");
  for (const entry of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".ts")) continue;
    const target = path.join(folder, "src", entry.replace(/\.ts$/, ".js"));
    mkdirSync(path.dirname(target), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(path.join(source, entry), "utf8"), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    writeFileSync(target, outputText);
  }
  writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  return {
    script: (name, code) => {
      const file = path.join(folder, name);
      writeFileSync(file, code);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
