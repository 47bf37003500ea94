/** Somebody's probes on functions, which the kernel of the build machine does not have. */
import { describe, expect, test } from "vitest";
import { cannot } from "../skipped.ts";
import type { ForeignReport } from "./foreign.ts";
import { inGuest, KERNELS, whyNoGuests } from "./guest.ts";

const lacking = await whyNoGuests(KERNELS);
const without = cannot("other people's probes in guests", lacking);

/** What bpftrace is told, and where and of what kind the probe is. */
const PROBES = [
  ["kprobe:br_handle_frame", "kprobe", "br_handle_frame"],
  ["kretprobe:netif_rx_internal", "kretprobe", "netif_rx_internal"],
  ["kfunc:dev_hard_start_xmit", "fentry", "dev_hard_start_xmit"],
  ["kretfunc:dev_hard_start_xmit", "fexit", "dev_hard_start_xmit"],
  ["tracepoint:net:netif_rx", "tracepoint", "net:netif_rx"],
  ["kprobe:do_nanosleep", null, null],
] as const;

describe.skipIf(without).for(KERNELS)("%s", (kernel) => {
  test("probes on a frame's functions are found, named, and gone when they end", async () => {
    const asked = PROBES.map(([text]) => text);
    const reports = await inGuest<ForeignReport[]>(kernel, "foreign-main", asked);
    expect(reports).toHaveLength(PROBES.length);
    for (const [index, { pid, found, after }] of reports.entries()) {
      const [, type, where] = PROBES[index] ?? [];
      // Its Linux 5.10 tells of no fentry program what it is on.
      const untold = kernel === "debian:bullseye" && /^f(entry|exit)$/.test(type ?? "");
      const wanted = type === null || untold ? [] : [{ type, where, pid, process: "bpftrace" }];
      expect(found).toMatchObject(wanted);
      expect(found).toHaveLength(wanted.length);
      expect(after).toEqual([]);
    }
  });
});
