import { describe, expect, test } from "vitest";
import { FULL } from "../full.ts";
import { macOf } from "../integration/explain/lab.ts";
import { cannot } from "../skipped.ts";
import { inGuest, KERNELS, WITHOUT_FENTRY, whyNoGuests } from "./guest.ts";
import { LINK_LOCAL, type LostReport, type LostRequest, SENT } from "./lost.ts";

const lacking = await whyNoGuests(KERNELS);
const without = cannot("what is lost, by the bridge's functions, in guests", lacking);

describe.skipIf(without).for(KERNELS)("%s", (kernel) => {
  // Of one flow that is lost watch.test.ts shows it, beside what else it asks of all backends.
  test("all backends count what is known and what is lost alike", FULL, async () => {
    const functions = kernel === WITHOUT_FENTRY ? ["kprobe"] : ["fentry", "kprobe"];
    const backends = ["tracepoint", ...functions] as LostRequest["backends"];
    const report = await inGuest<LostReport>(kernel, "lost-main", { backends });
    // skb:kfree_skb tells a reason since 5.17.
    const hasReason = kernel !== WITHOUT_FENTRY;
    const lost = { frames: SENT, behind: false, hasReason };
    const expected = {
      [`a > ${macOf("b")}`]: { came: [SENT, 0], lost: [{ ...lost, at: "pa", longest: 60 }] },
      [`b > ${macOf("c")}`]: { came: [SENT, SENT], lost: [] },
      [`a > ${macOf("c")}`]: { came: [SENT, 0], lost: [{ ...lost, at: "pc", longest: 1442 }] },
      [`a > ${LINK_LOCAL}`]: { came: [SENT, 0], lost: [{ ...lost, at: "pa", longest: 60 }] },
    };
    expect(report).toEqual(Object.fromEntries(backends.map((backend) => [backend, expected])));
  });
});
