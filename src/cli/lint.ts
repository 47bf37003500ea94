import { Command } from "commander";
import type { Lint } from "../document/lint.ts";
import { lintBridges } from "../explain/lint/lint.ts";
import { renderJson } from "../report/exports/json.ts";
import { renderLint } from "../report/lint.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { labNamespace } from "./labs.ts";
import { terminalOptions } from "./terminal.ts";

const SEVERE = 3;

interface Options {
  netns?: string;
  peers?: boolean;
  full?: boolean;
  json?: boolean;
}

export function lintCommand(): Command {
  return new Command("lint")
    .description("say what in the configuration of bridges floods or loses frames; changes nothing")
    .argument("[bridge]", "a bridge of this host; all of the namespace where it is left out")
    .option(
      "--netns <which>",
      "its network namespace: path, PID, name of ip netns, container or lab, or as printed",
    )
    .option("--peers", "look into the namespaces behind the ports, too; as root")
    .option("--full", "print all of it, where a terminal would get the most severe at length")
    .option("--json", "print what was found as JSON")
    .addHelpText(
      "after",
      "\nIt asks netlink, sysctls and sysfs, and needs neither root nor BPF for the bridges of this namespace.\nExit status: 0 nothing severe was found, 3 something of severity high was.",
    )
    .action(async (bridge: string | undefined, { netns, peers, full, json }: Options) => {
      const lint = await lintBridges({ bridge, netns, peers }, labNamespace);
      dropPrivileges();
      process.stdout.write(
        json
          ? renderJson(lint)
          : renderLint(lint, {
              ...terminalOptions(),
              cut: process.stdout.isTTY === true && full !== true,
            }),
      );
      process.exitCode = isSevere(lint) ? SEVERE : 0;
    });
}

function isSevere({ findings }: Lint): boolean {
  return findings.some(({ severity }) => severity === "high");
}
