import { expect, test } from "vitest";
import { missingCapabilities } from "../../../src/setup/privileges.ts";

const status = (mask: string) => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${mask}\n`;

test("missing capabilities are named", () => {
  expect(missingCapabilities(status("000001ffffffffff"))).toEqual([]);
  expect(missingCapabilities(status("000001ffffdfefff"))).toEqual([
    "CAP_NET_ADMIN",
    "CAP_SYS_ADMIN",
  ]);
  expect(missingCapabilities(status("0000000000001000"))).toEqual(["CAP_SYS_ADMIN"]);
  expect(missingCapabilities("")).toHaveLength(2);
});
