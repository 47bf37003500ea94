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
