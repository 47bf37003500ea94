/** Where something is: shared by what is said of bridges that we did not build. */
import { z } from "zod";

export const placeSchema = z.object({
  inode: z.int().nonnegative().describe("Of the network namespace"),
  label: z.string().describe("host, a name of ip netns, a container, or a process"),
});

/** Who is behind a port. */
export const ownerSchema = z.object({
  label: z.string().describe("In one phrase: container, pod, namespace or process"),
  namespace: placeSchema.nullable().describe("Of the port's other end; null where it has none"),
  pid: z.int().nonnegative().nullable(),
  command: z.string().nullable().describe("As the kernel names it (comm)"),
  cgroup: z.string().nullable(),
  container: z.string().nullable(),
  pod: z.string().nullable(),
});
