/** docs/ci.md and action.yml: what they name exists, and what they tell to type is accepted. */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { planFor } from "../../../src/bench/plan/request.ts";
import { planVersus } from "../../../src/bench/plan/versus-plan.ts";
import { formatNamed } from "../../../src/report/formats.ts";
import { accepted } from "./accepted.ts";
import { blocksIn, commandsIn } from "./markdown.ts";

const page = readFileSync("docs/ci.md", "utf8");
const blocks = blocksIn(page);
const commands = blocks.flatMap(({ text }) => commandsIn(text));

const step = z.strictObject({
  name: z.string().optional(),
  id: z.string().optional(),
  if: z.string().optional(),
  uses: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+@[\w.]+$/)
    .optional(),
  with: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  env: z.record(z.string(), z.string()).optional(),
  run: z.string().optional(),
  shell: z.literal("bash").optional(),
  "working-directory": z.string().optional(),
});
type Step = z.infer<typeof step>;

const workflow = z.strictObject({
  name: z.string(),
  on: z.union([z.string(), z.record(z.string(), z.unknown())]),
  permissions: z.record(z.string(), z.enum(["read", "write"])),
  concurrency: z.string().optional(),
  jobs: z.record(
    z.string(),
    z.strictObject({
      "runs-on": z.string(),
      "timeout-minutes": z.number(),
      steps: z.array(step).min(1),
    }),
  ),
});

const action = z
  .strictObject({
    name: z.string(),
    description: z.string(),
    branding: z.strictObject({ icon: z.string(), color: z.string() }),
    inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string() })),
    outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string() })),
    runs: z.strictObject({ using: z.literal("composite"), steps: z.array(step) }),
  })
  .parse(parse(readFileSync("action.yml", "utf8")));

const workflows = blocks
  .filter(({ language }) => language === "yaml")
  .map(({ text }) => workflow.parse(parse(text)));
const stepsOf = (one: z.infer<typeof workflow>) =>
  Object.values(one.jobs).flatMap(({ steps }) => steps);

/** `steps.<id>.…` and `inputs.<name>` in the expressions of these steps. */
function namesIn(steps: unknown, pattern: RegExp): string[] {
  return [...JSON.stringify(steps).matchAll(pattern)].map(([, name = ""]) => name);
}

function eitherUsesOrRuns(steps: readonly Step[]): void {
  for (const one of steps) expect([one.uses, one.run].filter(Boolean)).toHaveLength(1);
}

describe("action.yml", () => {
  const { steps } = action.runs;

  test("has steps that use or run, the latter in bash", () => {
    eitherUsesOrRuns(steps);
    expect(steps.filter(({ run, shell }) => (run === undefined) !== (shell === undefined))).toEqual(
      [],
    );
  });

  test("names inputs and steps that there are, and uses every input", () => {
    const named = new Set(namesIn(steps, /inputs\.([\w-]+)/g));
    expect([...named].toSorted()).toEqual(Object.keys(action.inputs).toSorted());
    const ids = steps.flatMap(({ id }) => id ?? []);
    const used = namesIn([steps, action.outputs], /steps\.([\w-]+)/g);
    expect(used.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test("puts no input into a script", () => {
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
  });

  test("hands over what the script reads", () => {
    const script = ["scripts/action.mjs", "scripts/lib/action.mjs"]
      .map((path) => readFileSync(path, "utf8"))
      .join();
    const read = new Set(namesIn(script, /(BRIDGESCOPE_\w+)/g));
    const given = steps.flatMap(({ env = {} }) => Object.keys(env));
    expect(given.toSorted()).toEqual([...read].toSorted());
  });
});

describe("the workflows of docs/ci.md", () => {
  test("are those that it promises", () => {
    expect(workflows.map(({ name }) => name)).toEqual(["bridge", "plugin", "kernels", "history"]);
  });

  test.each(workflows.map((one) => [one.name, one] as const))("%s is whole", (_, one) => {
    const steps = stepsOf(one);
    eitherUsesOrRuns(steps);
    const ids = steps.flatMap(({ id }) => id ?? []);
    expect(namesIn(steps, /steps\.([\w-]+)/g).filter((id) => !ids.includes(id))).toEqual([]);
    for (const { uses = "", with: inputs = {}, id } of steps) {
      if (!uses.startsWith("your-org/bridgescope@")) continue;
      expect(Object.keys(inputs).filter((name) => !(name in action.inputs))).toEqual([]);
      const outputs = namesIn(steps, new RegExp(`steps\\.${id}\\.outputs\\.([\\w-]+)`, "g"));
      expect(outputs.filter((name) => !(name in action.outputs))).toEqual([]);
    }
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
  });

  test("let the annotations through sudo", () => {
    const runs = workflows.flatMap(stepsOf).flatMap(({ run }) => run?.split("\n") ?? []);
    const measuring = runs.filter((line) => /bridgescope (bench|compare) /.test(line));
    expect(measuring.length).toBeGreaterThan(1);
    expect(
      measuring.filter((line) => !line.includes('sudo -E env "PATH=$PATH" bridgescope')),
    ).toEqual([]);
  });

  test("keep what the exports are for with the right tool", () => {
    const steps = workflows.flatMap(stepsOf);
    const script = steps.map(({ run = "" }) => run).join("\n");
    const files = Object.fromEntries(
      [...script.matchAll(/--format (\S+) > (\S+)/g)].map(([, format = "", file = ""]) => [
        file,
        format,
      ]),
    );
    const kept = steps.flatMap(({ with: inputs = {} }) =>
      inputs["output-file-path"] === undefined
        ? []
        : [[inputs.tool, files[String(inputs["output-file-path"])]]],
    );
    expect(kept).toEqual([
      ["customSmallerIsBetter", "benchmark-json"],
      ["customBiggerIsBetter", "benchmark-json-bigger"],
    ]);
    expect(files["new.txt"]).toBe("gobench");
  });
});

describe("the commands of docs/ci.md", () => {
  test("are found", () => {
    expect(commands.length).toBeGreaterThan(7);
    expect(commands).toContainEqual(["doctor"]);
  });

  test.each(commands.map((words) => [words.join(" "), words] as const))("%s", async (_, words) => {
    const parsed = accepted(words);
    await expect(parsed).resolves.toBeDefined();
    const { options, args } = await parsed;
    if (typeof options.format === "string") expect(formatNamed(options.format)).toBeDefined();
    if (words[0] === "bench" && (options.vs ?? options.baseSetup) !== undefined) {
      const { margin: _margin, ...request } = options;
      expect(planVersus(request).cases.length).toBeGreaterThan(0);
    } else if (words[0] === "bench" && options.kernel === undefined) {
      expect(planFor(args[0], options).plan.cases.length).toBeGreaterThan(0);
    }
  });

  test.each([
    ["an option that there is not", ["bench", "--budgets", "60s"]],
    ["a value that there is not", ["bench", "--clock", "sun"]],
    ["a missing value", ["bench", "--out"]],
    ["a missing argument", ["compare", "base"]],
    ["an argument too many", ["report", "a", "b"]],
    ["a command that there is not", ["gate"]],
  ])("would be refused with %s", async (_, words) => {
    await expect(accepted(words)).rejects.toThrow(CommanderError);
  });
});
