import { figure } from "./report.mjs";

/** What bounds a comparison that falls short of its target, by what the same run has measured. */
export function boundsOf(rows) {
  const row = (name) => rows.find((one) => one.name === name && one.medians !== undefined);
  const short = (name) => row(name)?.met === false;
  const loop = row("raw-flood-c");
  const built = row("lab-ip-batch-in-process");
  const command = row("lab-ip-batch-whole");
  return [
    ...(loop !== undefined && (short("raw-flood-1") || short("raw-flood-2"))
      ? [
          `Raw flood: ours sends ${figure(loop.ratio)} of what a C loop sends that does nothing but sendmmsg, so the kernel's path is the bound.`,
        ]
      : []),
    ...(built !== undefined &&
    command !== undefined &&
    ["lab-ip-batch-whole", "lab-mininet-build", "lab-mininet-whole"].some(short)
      ? [
          `Labs: the command \`lab up\` takes ${figure(command.medians.ours)} ms, of which building takes ${figure(built.medians.ours)} ms; the rest is Node's start, reading the program and the lab's books.`,
        ]
      : []),
  ];
}
