#!/usr/bin/env node
import { CommanderError } from "commander";
import { BridgescopeError } from "../system/errors.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { printable } from "../text/printable.ts";
import { program, readsAndWritesOnly } from "./program.ts";

const USAGE = 2;

// A reader that has gone (`| head`) is no error of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exitCode = 141;
  });
}

if (readsAndWritesOnly(process.argv.slice(2))) dropPrivileges();

try {
  await (await program(process.argv.slice(2))).parseAsync();
} catch (error) {
  fail(error);
}

function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    return;
  }
  const verbose = process.argv.includes("--verbose");
  if (error instanceof BridgescopeError) {
    process.exitCode = error.exitCode;
    process.stderr.write(`bridgescope: ${error.message}\n`);
  } else {
    process.exitCode = 1;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `bridgescope: unexpected: ${printable(message)}; this is a defect, --verbose shows more\n`,
    );
  }
  if (verbose && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
}
