import { figure } from "./report.mjs";

/** What bounds a comparison that falls short of its target, by what the same run has measured. */
export function boundsOf(rows) {
  const row = (name) => rows.find((one) => one.name === name && one.medians !== undefined);
  const short = (name) => row(name)?.met === false;
  const loop = row("raw-flood-c");
  const kernel = row("lab-system-time");
  const built = row("lab-ip-batch-in-process");
  const command = row("lab-ip-batch-whole");
  return [
    ...(loop !== undefined && (short("raw-flood-1") || short("raw-flood-2"))
      ? [
          `Raw flood: ours sends ${figure(loop.ratio)} of what a C loop sends that does nothing but sendmmsg, and the C loop is all the kernel's path.`,
        ]
      : []),
    ...(kernel !== undefined && built !== undefined && command !== undefined && LABS.some(short)
      ? [
          `Labs: of the ${figure(built.medians.ours)} ms that building takes, ${figure(kernel.medians.ours)} ms are the kernel's own time. The command \`lab up\` takes ${figure(command.medians.ours)} ms: the rest is Node's start, reading the program and the lab's books.`,
        ]
      : []),
  ];
}

const LABS = [
  "lab-ip-batch-in-process",
  "lab-ip-batch-whole",
  "lab-mininet-build",
  "lab-mininet-whole",
];
