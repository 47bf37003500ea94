import { Command } from "commander";
import { explainBridge } from "../explain/explain.ts";
import { renderExplanation } from "../report/explanation.ts";
import { terminalOptions } from "./terminal.ts";

interface Options {
  netns?: string;
  json?: boolean;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description("say what can make a bridge flood, and what would stop it; changes nothing")
    .argument("[bridge]", "any bridge of this host; may be left out where there is just one")
    .option("--netns <which>", "its network namespace: path, PID, name of ip netns, or container")
    .option("--no-probes", "ask netlink alone, which is all that this version does")
    .option("--json", "print the explanation as JSON")
    .action(async (bridge: string | undefined, { netns, json }: Options) => {
      const explanation = await explainBridge({ bridge, netns });
      process.stdout.write(
        json
          ? `${JSON.stringify(explanation, null, 2)}\n`
          : renderExplanation(explanation, terminalOptions()),
      );
    });
}
