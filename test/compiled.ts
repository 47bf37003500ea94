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

const ROOT = path.resolve(import.meta.dirname, "..");

/** Sources as plain JavaScript in a folder of their own, for processes that are not vitest's. */
export interface Compiled {
  folder: string;
  /** Writes a module beside `src` and gives its path. */
  script(name: string, code: string): string;
  remove(): void;
}

/** Compiles the folders, given relative to the repository; files that are no TypeScript come along. */
export function compileSources(folders: readonly string[] = ["src"]): Compiled {
  const folder = mkdtempSync(path.join(tmpdir(), "bridgescope-js-"));
  for (const from of folders) {
    const source = path.join(ROOT, from);
    for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      compile(file, path.join(folder, path.relative(ROOT, file)));
    }
  }
  writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  return {
    folder,
    script: (name, code) => {
      const file = path.join(folder, name);
      writeFileSync(file, code);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function compile(file: string, target: string): void {
  mkdirSync(path.dirname(target), { recursive: true });
  const text = readFileSync(file, "utf8");
  if (!file.endsWith(".ts")) {
    writeFileSync(target, text);
    return;
  }
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  writeFileSync(target.replace(/\.ts$/, ".js"), outputText);
}
