import { type Argument, Command, type Option } from "commander";
import { UsageError } from "../system/errors.ts";
import { childrenOf, placesIn } from "./places.ts";

const SHELLS: Record<string, (root: Command) => string> = {
  bash: bashScript,
  zsh: (root) => `autoload -U +X bashcompinit && bashcompinit\n${bashScript(root)}`,
  fish: fishScript,
};

const HELP = `
bash   source <(bridgescope completion bash), in ~/.bashrc
zsh    source <(bridgescope completion zsh), in ~/.zshrc, after compinit
fish   bridgescope completion fish | source, in ~/.config/fish/config.fish
`;

/** The scripts hold our own words alone, and run nothing at a Tab. `root` gives the program with all its commands. */
export function completionCommand(root: () => Promise<Command>): Command {
  const known = Object.keys(SHELLS).join(", ");
  return new Command("completion")
    .description("print what a shell sources to complete commands and options")
    .argument("<shell>", `one of ${known}`)
    .addHelpText("after", HELP)
    .action(async (shell: string) => {
      const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (script === undefined) {
        throw new UsageError(`there is no completion for "${shell}"; there is one for ${known}`);
      }
      process.stdout.write(script(await root()));
    });
}

function optionsOf(command: Command): Option[] {
  return command.createHelp().visibleOptions(command);
}

function choicesOf({ argChoices = [] }: Pick<Argument, "argChoices">): string[] {
  return argChoices;
}

/** Commands, options and choices of arguments. */
function wordsOf(command: Command): string[] {
  return [
    ...childrenOf(command).map((child) => child.name()),
    ...command.registeredArguments.flatMap(choicesOf),
    ...optionsOf(command).flatMap(({ long }) => long ?? []),
  ];
}

function bashScript(root: Command): string {
  const places = placesIn(root);
  const steps = places.flatMap(({ path }) => (path.length === 0 ? [] : `"${path.join(" ")}"`));
  const words = places.map(
    ({ path, command }) => `    "${path.join(" ")}") words="${wordsOf(command).join(" ")}" ;;`,
  );
  return `_bridgescope() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
    ${steps.join("|")}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _bridgescope bridgescope
`;
}

function fishScript(root: Command): string {
  const lines = placesIn(root).flatMap(({ path, command }) => {
    const below = childrenOf(command);
    const here = [
      ...path.map((word) => `__fish_seen_subcommand_from ${word}`),
      ...(below.length > 0
        ? [`not __fish_seen_subcommand_from ${below.map((child) => child.name()).join(" ")}`]
        : []),
    ].join("; and ");
    const line = (rest: string, says: string) =>
      `complete -c bridgescope -n '${here || "true"}' ${rest} -d '${quoted(says)}'`;
    return [
      ...below.map((child) => line(`-f -a ${child.name()}`, child.description())),
      ...optionsOf(command).flatMap(({ long, description, required, optional }) =>
        long === undefined || long === null
          ? []
          : line(`-l ${long.slice(2)}${required || optional ? " -r" : ""}`, description),
      ),
    ];
  });
  return `${lines.join("\n")}\n`;
}

/** Inside single quotes of fish. */
function quoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
