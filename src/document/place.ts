/** Where something is: shared by what is said of bridges that we did not build. */
import { z } from "zod";

export const placeSchema = z.object({
  inode: z.int().nonnegative().describe("Of the network namespace"),
  label: z.string().describe("host, a name of ip netns, a container, or a process"),
});
