import { basename } from "node:path";
import { Command } from "commander";
import { keepLab, LeftoverError } from "../setup/keep.ts";
import { type BuiltLab, newLabId } from "../setup/lab.ts";
import { checkLabName, isLabName, labNames } from "../setup/lab-name.ts";
import { planLab } from "../setup/plan.ts";
import { asCommand } from "../setup/plan-text.ts";
import type { Removal } from "../setup/removal.ts";
import type { TopologySpec } from "../setup/spec.ts";
import { stateNames } from "../setup/state-folder.ts";
import { summarize } from "../setup/summary.ts";
import { isTopologyFile, parseTopology } from "../setup/topology.ts";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { onInterrupt } from "./interrupt.ts";
import { formatCollection, formatLab, formatList, formatUp, removalNotes } from "./lab-text.ts";
import { progressLine } from "./progress.ts";

interface Json {
  json?: boolean;
}

interface UpOptions extends Json {
  name?: string;
  network?: string;
  dryRun?: boolean;
}

const FAILED = 1;

// What an action alone needs is loaded there: reading the books takes as long as building a small lab.

export function labCommand(): Command {
  // Positional: what stands behind `exec LAB HOST` is the command's, options included.
  const lab = new Command("lab")
    .description("build a topology and keep it")
    .enablePositionalOptions();
  lab
    .command("up")
    .description("build a lab that stays until `lab down`")
    .argument("<topology>", "netns, veth, bridge:N, chain:K[,option=value...] or a YAML file")
    .option("--name <name>", "what to call it (default: made from the topology)")
    .option("--network <cidr>", "IPv4 network of the hosts, where the topology names none")
    .option("--dry-run", "print the equivalent ip and bridge commands, and touch nothing")
    .option("--json", "print the lab as JSON")
    .action(up);
  lab
    .command("down")
    .description("remove labs")
    .argument("[names...]", "names as `lab ls` shows them")
    .option("--all", "every lab there is")
    .option("--json", "print what was removed as JSON")
    .action(down);
  lab
    .command("ls")
    .description("list the labs that are kept")
    .option("--json", "print the list as JSON")
    .action(list);
  lab
    .command("show")
    .description("show a lab's hosts, ports and FDB as the kernel has them")
    .argument("<name>", "name of a lab")
    .option("--json", "print the lab as JSON")
    .action(show);
  lab
    .command("exec")
    .description("run a command in a host of a lab")
    .usage("<name> <host> -- <command...>")
    .argument("<name>", "name of a lab")
    .argument("<host>", "a host of it, or sw: where the bridge is")
    .argument("<command...>", "the command and its arguments")
    .option("--json", "print exit status and output as JSON (in front of the name)")
    .passThroughOptions()
    .action(exec);
  lab
    .command("gc")
    .description("remove what a dead run left, and nothing else")
    .option("--json", "print what was removed and what was left as JSON")
    .action(gc);
  return lab;
}

async function up(topology: string, options: UpOptions): Promise<void> {
  const spec = await specOf(topology, options.network);
  const name = checkLabName(options.name ?? defaultName(topology));
  if (options.dryRun) {
    const commands = planLab(spec, labNames(name, newLabId())).map(asCommand);
    print(options, { schema: "bridgescope.lab.plan/1", name, commands }, () =>
      commands.map((command) => `${command}\n`).join(""),
    );
    return;
  }
  const lab = await build(spec, name);
  if (lab === null) return;
  await lab.close();
  print(options, { schema: "bridgescope.lab.up/1", name, ...summarize(lab) }, () =>
    formatUp(name, summarize(lab)),
  );
}

/** What reads YAML takes a while to load, and a name needs none of it. */
async function specOf(topology: string, network?: string): Promise<TopologySpec> {
  const defaults = network === undefined ? {} : { network };
  if (!isTopologyFile(topology)) return parseTopology(topology, defaults);
  const { resolveTopology } = await import("../setup/file.ts");
  return resolveTopology(topology, defaults);
}

/** Null when a signal ended it; nothing of the lab is left then. */
async function build(spec: TopologySpec, name: string): Promise<BuiltLab | null> {
  const line = progressLine();
  const interruption = onInterrupt(() => {
    line.end();
    say("interrupted: removing what was made so far");
  });
  try {
    return await keepLab(spec, name, {
      signal: interruption.signal,
      progress: (done, total) => line.update(`building ${name}`, `${done} of ${total} steps`),
    });
  } catch (error) {
    const code = interruption.exitCode();
    if (code === null || error instanceof LeftoverError) throw error;
    process.exitCode = code;
    return null;
  } finally {
    line.end();
    interruption.release();
  }
}

function defaultName(topology: string): string {
  const head = topology.split(",")[0] ?? "";
  const name = basename(head.replace(/\.ya?ml$/, "")).replace(":", "-");
  if (isLabName(name)) return name;
  throw new UsageError(`no lab's name can be made of "${printable(topology)}": give it a --name`);
}

async function down(names: string[], options: Json & { all?: boolean }): Promise<void> {
  if ((names.length === 0) === !options.all) {
    throw new UsageError("lab down expects names of labs, or --all");
  }
  const { dropLab, requireLab } = await import("../setup/kept.ts");
  const doomed = options.all ? stateNames() : [...new Set(names)];
  if (!options.all) for (const name of doomed) requireLab(name);
  const labs: ({ name: string } & Removal)[] = [];
  for (const name of doomed) {
    const removal = await dropLab(name);
    for (const note of removalNotes(removal)) say(note);
    if (removal.left.some((left) => left.ours)) process.exitCode = FAILED;
    labs.push({ name, ...removal });
  }
  print(options, { schema: "bridgescope.lab.down/1", labs }, () =>
    labs.map((lab) => `removed ${lab.name} (${lab.removed.length} namespaces)\n`).join(""),
  );
}

async function list(options: Json): Promise<void> {
  const { listLabs } = await import("../setup/listing.ts");
  const labs = listLabs();
  print(options, { schema: "bridgescope.lab.ls/1", labs }, () => formatList(labs));
}

async function show(name: string, options: Json): Promise<void> {
  const { openKeptLab } = await import("../setup/kept.ts");
  const { describeLab } = await import("../setup/describe.ts");
  const lab = openKeptLab(name);
  try {
    const description = describeLab(lab);
    print(options, { schema: "bridgescope.lab.show/1", name, ...description }, () =>
      formatLab(name, description),
    );
  } finally {
    await lab.close();
  }
}

async function exec(name: string, host: string, command: string[], options: Json): Promise<void> {
  const words = command[0] === "--" ? command.slice(1) : command;
  if (words.length === 0) throw new UsageError("lab exec expects a command behind the host");
  const { captureInLab, execInLab } = await import("../setup/exec.ts");
  if (!options.json) {
    process.exitCode = await execInLab(name, host, words);
    return;
  }
  const result = await captureInLab(name, host, words);
  const document = { schema: "bridgescope.lab.exec/1", name, host, command: words, ...result };
  print(options, document, () => result.stdout);
  process.exitCode = result.exitCode;
}

async function gc(options: Json): Promise<void> {
  const { collectGarbage } = await import("../setup/gc.ts");
  const { removeLeftovers } = await import("../kernels/cache.ts");
  const collection = { ...(await collectGarbage()), guests: await removeLeftovers() };
  if (collection.labs.some((lab) => lab.outcome === "failed")) process.exitCode = FAILED;
  print(options, { schema: "bridgescope.lab.gc/1", ...collection }, () =>
    formatCollection(collection),
  );
}

function print(options: Json, document: object, text: () => string): void {
  process.stdout.write(options.json ? `${JSON.stringify(document, null, 2)}\n` : text());
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
