import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { preProcessFile } from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const src = join(root, "src");

/** Which files each file of src imports, both relative to src. */
const imports = new Map(
  readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => {
      const { importedFiles } = preProcessFile(readFileSync(join(src, file), "utf8"));
      const own = importedFiles.filter(({ fileName }) => fileName.startsWith("."));
      return [file, own.map(({ fileName }) => join(dirname(file), fileName))] as const;
    }),
);

/** `library` for what lies in src itself. */
const folderOf = (file: string) => (file.includes("/") ? (file.split("/")[0] ?? "") : "library");

/** The arrows between the folders of src, as the code has them. */
function arrows(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [file, imported] of imports) {
    const from = folderOf(file);
    const to = found.get(from) ?? new Set();
    for (const one of imported) if (folderOf(one) !== from) to.add(folderOf(one));
    found.set(from, to);
  }
  return found;
}

/** The same as ARCHITECTURE.md draws them: lines of `folder -> folder folder`. */
function drawn(): Map<string, Set<string>> {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const lines = text.split("\n").flatMap((line) => /^(\w+) +->(.*)$/.exec(line) ?? []);
  const found = new Map<string, Set<string>>();
  for (let at = 0; at < lines.length; at += 3) {
    found.set(
      lines[at + 1] ?? "",
      new Set(lines[at + 2]?.split(" ").filter((word) => word !== "")),
    );
  }
  return found;
}

const sorted = (all: ReadonlyMap<string, ReadonlySet<string>>) =>
  Object.fromEntries([...all].map(([from, to]) => [from, [...to].sort()]).sort());

/** A way round through these nodes, or null: each is visited once, behind all that it leads to. */
function cycleIn(edges: ReadonlyMap<string, Iterable<string>>): string[] | null {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | null => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of edges.get(node) ?? []) {
      const found = visit(next, [...path, node]);
      if (found !== null) return found;
    }
    done.add(node);
    return null;
  };
  for (const node of edges.keys()) {
    const found = visit(node, []);
    if (found !== null) return found;
  }
  return null;
}

describe("the imports of src", () => {
  it("are the arrows that ARCHITECTURE.md draws, no more and no fewer", () => {
    expect(sorted(arrows())).toEqual(sorted(drawn()));
  });

  it("lead round in no circle of files", () => {
    expect(cycleIn(imports)).toBeNull();
  });

  it("lead round in no circle of folders, at any depth", () => {
    const folders = new Map<string, Set<string>>();
    for (const [file, imported] of imports) {
      const from = dirname(file);
      const to = folders.get(from) ?? new Set();
      for (const one of imported) if (dirname(one) !== from) to.add(dirname(one));
      folders.set(from, to);
    }
    expect(cycleIn(folders)).toBeNull();
  });

  it("of what is pure lead to nothing that touches the machine", () => {
    const pure = ["text", "document", "stats", "report"];
    const strays = [...imports].flatMap(([file, imported]) =>
      pure.includes(folderOf(file))
        ? imported.filter((one) => !pure.includes(folderOf(one))).map((one) => `${file} -> ${one}`)
        : [],
    );
    expect(strays).toEqual([]);
  });

  it("name files that are there", () => {
    const missing = [...imports].flatMap(([file, imported]) =>
      imported.filter((one) => !imports.has(one)).map((one) => `${file} -> ${relative(src, one)}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("a way round", () => {
  it("is found wherever it begins", () => {
    const edges = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", []],
      ["d", ["b"]],
    ]);
    expect(cycleIn(edges)).toEqual(["b", "d", "b"]);
    expect(
      cycleIn(
        new Map([
          ["a", ["b", "c"]],
          ["b", ["c"]],
          ["c", []],
        ]),
      ),
    ).toBeNull();
  });
});
