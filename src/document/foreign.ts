/** Other people's probes on a frame's way. */
import { z } from "zod";

export const foreignProbeSchema = z.object({
  id: z.int().nullable().describe("Of the BPF program; null for an event or tracer of ftrace"),
  name: z
    .string()
    .describe("Of the BPF program as the kernel keeps it, at most 15 bytes; `ftrace`"),
  type: z
    .string()
    .describe(
      "tracepoint, raw_tracepoint, kprobe, kretprobe, fentry, fexit, tracing, xdp, tc, or ftrace",
    ),
  where: z.string().describe("The tracepoint, the function, or the device and its hook"),
  pid: z.int().nullable().describe("Of the process that holds it; null where none is seen to"),
  process: z.string().nullable().describe("That process's name, /proc/<pid>/comm"),
  container: z.string().nullable().describe("Id of the container that the process runs in"),
});

export type ForeignProbe = z.infer<typeof foreignProbeSchema>;

/** One program in one place; by this it is the same in several readings. */
export function foreignKey({
  id,
  type,
  where,
}: Pick<ForeignProbe, "id" | "type" | "where">): string {
  return `${id ?? type} ${where}`;
}

/** Places of one holder that a sentence names; the others it counts. */
const NAMED = 2;

/** Who holds which programs where: `bpftrace (pid 7): netif_rx on net:netif_rx and 3 more`. Raw: names are from outside. */
export function foreignText(probes: readonly ForeignProbe[]): string {
  const holders = new Map<string, ForeignProbe[]>();
  for (const one of probes) {
    const holder = holderText(one);
    holders.set(holder, [...(holders.get(holder) ?? []), one]);
  }
  return [...holders].map(([holder, held]) => `${holder}: ${placesText(held)}`).join("; ");
}

function holderText({ id, pid, process, container }: ForeignProbe): string {
  if (pid === null) return id === null ? "ftrace" : "no process that is seen";
  const inside = container === null ? "" : `, container ${container.slice(0, 12)}`;
  return `${process ?? "a process"} (pid ${pid}${inside})`;
}

function placesText(probes: readonly ForeignProbe[]): string {
  const named = probes.slice(0, NAMED).map(({ name, where }) => `${name} on ${where}`);
  const more = probes.length - NAMED;
  return more > 0 ? `${named.join(", ")} and ${more} more` : named.join(" and ");
}
