import { Command } from "commander";
import { z } from "zod";
import { compareSchema } from "../document/compare.ts";
import { explainSchema } from "../document/explain.ts";
import { lintSchema } from "../document/lint.ts";
import { runSchema } from "../document/run.ts";
import { watchSchema } from "../document/watch.ts";
import { UsageError } from "../system/errors.ts";

const SCHEMAS: Record<string, z.ZodType> = {
  run: runSchema,
  compare: compareSchema,
  explain: explainSchema,
  lint: lintSchema,
  watch: watchSchema,
};

export function schemaCommand(): Command {
  return new Command("schema")
    .description("print the JSON Schema of a document")
    .argument("[document]", `which: ${Object.keys(SCHEMAS).join(", ")}`, "run")
    .option("--json", "the schema is JSON already; accepted on every command")
    .action((document: string) => {
      const schema = Object.hasOwn(SCHEMAS, document) ? SCHEMAS[document] : undefined;
      if (schema === undefined) {
        const known = Object.keys(SCHEMAS).join(", ");
        throw new UsageError(`there is no schema of "${document}"; there are those of ${known}`);
      }
      process.stdout.write(`${JSON.stringify(z.toJSONSchema(schema), null, 2)}\n`);
    });
}
