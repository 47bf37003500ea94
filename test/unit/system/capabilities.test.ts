import { expect, test } from "vitest";
import { missingCapabilities } from "../../../src/system/capabilities.ts";

const missing = (mask: string) =>
  missingCapabilities(`Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${mask}\n`, [
    "CAP_NET_ADMIN",
    "CAP_SYS_ADMIN",
  ]);

test("missing capabilities are named", () => {
  expect(missing("000001ffffffffff")).toEqual([]);
  expect(missing("000001ffffdfefff")).toEqual(["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
  expect(missing("0000000000001000")).toEqual(["CAP_SYS_ADMIN"]);
  expect(missing("nothing")).toHaveLength(2);
});
