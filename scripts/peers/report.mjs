const COLUMNS = ["what", "ours", "peer", "ratio", "95 % interval", "target", "met"];

/** The table, as it is printed and as it is stored. Pure, like everything here. */
export function tableOf(rows) {
  const lines = [COLUMNS, ...rows.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const padded = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column])));
  const rule = widths.map((width) => "-".repeat(width));
  return [padded[0], rule, ...padded.slice(1)].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function cells(row) {
  if (row.reason !== undefined) return [row.what, "", row.peerName, "", "", "", "not measured"];
  const { what, unit, peerName, medians, ratio, ci, ratioIs, target, met } = row;
  return [
    what,
    `${figure(medians.ours)} ${unit}`,
    medians.peer === null ? "" : `${peerName} ${figure(medians.peer)} ${unit}`,
    ratio === undefined ? "" : `${figure(ratio)}${ratioIs === "peer/ours" ? " times as fast" : ""}`,
    ci === undefined ? "" : `${figure(ci[0])} .. ${figure(ci[1])}`,
    target === null ? "" : targetOf(target, ratio === undefined ? ` ${unit}` : ""),
    met === null ? "" : met ? "yes" : "no",
  ];
}

function targetOf({ atLeast, atMost }, unit) {
  return atLeast === undefined ? `at most ${atMost}${unit}` : `at least ${atLeast}${unit}`;
}

/** What a reader has to know beside the table. */
export function notesOf(rows, scaling) {
  const notes = rows.flatMap(({ what, peerName, reason }) =>
    reason === undefined ? [] : [`${what}, ${peerName}: ${reason}.`],
  );
  if (scaling !== null) {
    const grown = ({ ratio, ci }) => `${figure(ratio)} (${figure(ci[0])} .. ${figure(ci[1])})`;
    notes.push(
      `Raw flood, two sending CPUs over one: ours ${grown(scaling.ours)}, ${scaling.peerName} ${grown(scaling.peer)}.`,
    );
  }
  return notes;
}

/** The whole of peers.md. */
export function markdownOf({ provenance, rows, scaling, bounds }) {
  const { command, date, pairs, seed, cpu, cpus, kernel, load, tools } = provenance;
  const list = (items) => items.map((item) => `- ${item}`).join("\n");
  return `# bridgescope beside its peers

\`${command}\`, ${date}, ${pairs} pairs, seed ${seed}.
Linux ${kernel} on ${cpus} CPUs, ${cpu}; load average ${load.before} before and ${load.after} after.

${tableOf(rows)}

${list([...notesOf(rows, scaling), ...bounds])}

A pair is two adjacent measurements, ours and the peer's, in random order, in one lab and on the same CPUs
(client and first sender on the first, server and second sender on the second). One pair of every row, in random
order, makes a pass. Figures are medians over the passes; the ratio is the median of the pairs' log ratios with a
bootstrap interval. All samples are in peers.json.

${list(Object.entries(tools).map(([tool, version]) => `${tool}: ${version}`))}
`;
}

/** Three significant digits, without an exponent. */
export function figure(value) {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
