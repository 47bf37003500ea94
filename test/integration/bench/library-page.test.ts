import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FULL } from "../../full.ts";
import { hostChanges, hostState, tagged } from "../host-state.ts";
import { scratch } from "./cli.ts";

const CHECKOUT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGE = readFileSync(join(CHECKOUT, "docs/library.md"), "utf8");
const EXAMPLES = [...PAGE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ""]) => text);

let folder: ReturnType<typeof scratch>;
beforeAll(() => {
  folder = scratch();
  // What `npm install bridgescope` makes, but of this checkout.
  mkdirSync(join(folder.path, "node_modules"));
  symlinkSync(CHECKOUT, join(folder.path, "node_modules", "bridgescope"));
});
afterAll(() => folder.remove());

it("the page has one example", () => {
  expect(EXAMPLES).toHaveLength(1);
});

describe.each(EXAMPLES)("the example of docs/library.md", (example) => {
  it("fits the types of the package", () => {
    const path = join(folder.path, "example.mts");
    writeFileSync(path, example);
    const program = ts.createProgram([path], {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      strict: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      skipLibCheck: true,
      typeRoots: [join(CHECKOUT, "node_modules", "@types")],
      types: ["node"],
    });
    const said = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
    expect(said).toEqual([]);
  });

  // With rounds of a second, as everybody gets who says nothing else.
  it("runs as it stands", FULL, () => runs(example));

  it("runs, shows its progress and prints what it says it prints", async () => {
    const short = example.replace("rounds: 5,", '$& duration: "100ms",');
    expect(short).not.toBe(example);
    await runs(short);
  });

  async function runs(text: string): Promise<void> {
    const before = hostState();
    const path = join(folder.path, "example.mjs");
    const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
    writeFileSync(path, ts.transpile(text, options));
    const { code, stdout, stderr } = await ran(path);
    expect(stderr).toContain("[1/2] bridge:4/flood  building the lab");
    expect(stderr).toContain("[2/2] bridge:4/ping-flood  building the lab");
    for (const words of [": complete", "Results:", "97.5 %", "Stage latency"]) {
      expect(stderr).toContain(words);
    }
    const lines = stdout.trimEnd().split("\n");
    const rounds = lines.slice(0, -1).map((line) => line.replace(/ [\d.]+ frames/, " N frames"));
    // Five without probes and five that count, and four sessions of the programs that time: three, and two under ping.
    const told = { "bridge:4/flood": 10 + 4 * 3, "bridge:4/ping-flood": 10 + 4 * 2 };
    expect(rounds).toEqual(
      Object.entries(told).flatMap(([id, length]) =>
        Array.from({ length }, (_, index) => `${id} ${index + 1} N frames/s`),
      ),
    );
    const [state, amplification, p99] = (lines.at(-1) ?? "").split(" ");
    expect(state).toBe("complete");
    expect(Number(amplification)).toBeGreaterThan(2.9);
    expect(Number(amplification)).toBeLessThanOrEqual(3);
    expect(Number(p99)).toBeGreaterThan(1000);
    expect(code).toBe(0);
    expect(await hostChanges(before, 2000)).toEqual({});
  }
});

function ran(path: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [path], {
    cwd: dirname(path),
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...tagged },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => {
    stdout += String(data);
  });
  child.stderr.on("data", (data) => {
    stderr += String(data);
  });
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
