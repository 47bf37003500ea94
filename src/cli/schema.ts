import { Command } from "commander";
import { z } from "zod";
import { runSchema } from "../document/run.ts";

export function schemaCommand(): Command {
  return new Command("schema")
    .description("print the JSON Schema of the run document")
    .option("--json", "the schema is JSON already; accepted on every command")
    .action(() => {
      process.stdout.write(`${JSON.stringify(z.toJSONSchema(runSchema), null, 2)}\n`);
    });
}
