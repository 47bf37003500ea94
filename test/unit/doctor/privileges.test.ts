import { describe, expect, test } from "vitest";
import { isInitialUserNamespace, privilegeFindings } from "../../../src/doctor/privileges.ts";
import { parseCapabilities } from "../../../src/system/capabilities.ts";

const status = (mask: string) => `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${mask}\n`;

function states(mask: string, uid = 0, initialUserNamespace = true) {
  const facts = { uid, initialUserNamespace, capabilities: parseCapabilities(status(mask)) };
  return Object.fromEntries(privilegeFindings(facts).map((found) => [found.id, found.status]));
}

describe("parseCapabilities", () => {
  test("reads the effective set and no other", () => {
    expect([...parseCapabilities(status("0000000000003000"))]).toEqual([12, 13]);
    expect(parseCapabilities(status("000001ffffffffff")).size).toBe(41);
    expect(parseCapabilities(status("0000000000000000")).size).toBe(0);
  });

  test("reads bits above 32", () => {
    expect([...parseCapabilities(status("000000c000000000"))]).toEqual([38, 39]);
  });
});

describe("privilegeFindings", () => {
  test("a full set is well", () => {
    expect(new Set(Object.values(states("000001ffffffffff")))).toEqual(new Set(["ok"]));
  });

  test("a lacking CAP_SYS_RESOURCE is a warning", () => {
    expect(states("000001fffeffffff")).toMatchObject({
      "privilege/CAP_SYS_RESOURCE": "warning",
      "privilege/CAP_SYS_ADMIN": "ok",
    });
  });

  // Bit numbers from include/uapi/linux/capability.h, in a mask that lacks this one and CAP_SYS_ADMIN.
  test.each([
    ["CAP_NET_ADMIN", 12n, "missing"],
    ["CAP_NET_RAW", 13n, "missing"],
    ["CAP_SYS_RESOURCE", 24n, "warning"],
    ["CAP_PERFMON", 38n, "missing"],
    ["CAP_BPF", 39n, "missing"],
  ])("%s is bit %i", (name, bit, status) => {
    const mask = 0x1ffffffffffn & ~(1n << bit) & ~(1n << 21n);
    const lacking = Object.entries(states(mask.toString(16))).filter(([, state]) => state !== "ok");
    expect(lacking).toContainEqual([`privilege/${name}`, status]);
    expect(lacking).toHaveLength(2);
  });

  test("CAP_SYS_ADMIN stands in for CAP_BPF and CAP_PERFMON", () => {
    // Every bit up to CAP_AUDIT_READ (37): a kernel from before 5.8.
    expect(states("0000003fffffffff")).toMatchObject({
      "privilege/CAP_BPF": "ok",
      "privilege/CAP_PERFMON": "ok",
    });
  });

  test("a container's usual set lacks the rest", () => {
    expect(states("00000000a80425fb")).toMatchObject({
      "privilege/user": "ok",
      "privilege/CAP_NET_RAW": "ok",
      "privilege/CAP_NET_ADMIN": "missing",
      "privilege/CAP_SYS_ADMIN": "missing",
      "privilege/CAP_BPF": "missing",
    });
  });

  test("an ordinary user and the root of a user namespace are told apart from root", () => {
    expect(states("000001ffffffffff", 1000)["privilege/user"]).toBe("missing");
    expect(states("000001ffffffffff", 0, false)["privilege/user"]).toBe("missing");
  });
});

test("only the map over all ids is the initial user namespace's", () => {
  expect(isInitialUserNamespace("         0          0 4294967295\n")).toBe(true);
  expect(isInitialUserNamespace("         0     100000      65536\n")).toBe(false);
});
