import { Command } from "commander";
import { explainBridge } from "../explain/explain.ts";
import { renderExplanation } from "../report/explanation.ts";
import { printable } from "../system/printable.ts";
import { terminalOptions } from "./terminal.ts";

interface Options {
  netns?: string;
  bundle?: string;
  mask?: boolean;
  json?: boolean;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description("say what can make a bridge flood, and what would stop it; changes nothing")
    .argument("[bridge]", "any bridge of this host; may be left out where there is just one")
    .option("--netns <which>", "its network namespace: path, PID, name of ip netns, or container")
    .option("--no-probes", "ask netlink alone, which is all that this version does")
    .option("--bundle <folder>", "write what a maintainer would ask for into a new folder")
    .option("--mask", "with stand-ins for names and addresses in the bundle")
    .option("--json", "print the explanation as JSON")
    .action(async (bridge: string | undefined, { json, ...options }: Options) => {
      const explanation = await explainBridge({ bridge, ...options });
      process.stdout.write(
        json
          ? `${JSON.stringify(explanation, null, 2)}\n`
          : renderExplanation(explanation, terminalOptions()),
      );
      if (options.bundle !== undefined) {
        process.stderr.write(`bridgescope: wrote the bundle to ${printable(options.bundle)}\n`);
      }
    });
}
