import { describe, expect, test } from "vitest";
import { explainSchema } from "../../src/document/explain.ts";
import { cannot } from "../skipped.ts";
import type { VlanReport } from "./explain.ts";
import { inGuest, KERNELS, whyNoGuests } from "./guest.ts";

const lacking = await whyNoGuests(KERNELS);
const without = cannot("VLANs in guests", lacking);

describe.skipIf(without).for(KERNELS)("%s", (kernel) => {
  test("a VLAN mismatch is named, its remedy ends the flood, an unknown host is none, and a VLAN that a port is not in is policy", async () => {
    const report = await inGuest<VlanReport>(kernel, "explain-main", {});
    const findings = explainSchema.shape.findings.parse(report.findings);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ cause: "vlan-mismatch", vlan: 20, basis: "inferred" });
    expect(findings[0]?.title).toMatch(/is known in VLAN 1, behind port pb .*by port pa .*VLAN 20/);
    expect(findings[0]?.victims.map(({ port }) => port.name)).toEqual(["pc"]);
    expect(report.unknown).toMatchObject([{ cause: "never-learned" }]);
    expect(report.policies).toMatchObject([{ kind: "policy", cause: "vlan-filtered", vlan: 30 }]);
    expect(report.policies[0]?.title).toMatch(/^port pa .* is not in VLAN 30/);
    const { before, after, others, kept } = report;
    expect({ before, after, others, kept }).toEqual({ before: 0, after: 5, others: 0, kept: true });
    expect(report.vlans).toMatch(/pa\s+20 PVID Egress Untagged\s*$/);
  });
});
