import { describe, expect, test } from "vitest";
import { parseKernelConfig } from "../../../src/doctor/kernel-config.ts";

const TEXT = `#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.172 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0"
CONFIG_BRIDGE=m
CONFIG_BRIDGE_VLAN_FILTERING=y
# CONFIG_BRIDGE_MRP is not set
CONFIG_HZ=250
CONFIG_LOCALVERSION=""
`;

describe("parseKernelConfig", () => {
  const options = parseKernelConfig(TEXT);

  test("keeps y, m and numbers as they are written", () => {
    expect(options.get("CONFIG_BRIDGE")).toBe("m");
    expect(options.get("CONFIG_BRIDGE_VLAN_FILTERING")).toBe("y");
    expect(options.get("CONFIG_HZ")).toBe("250");
  });

  test("takes the quotes off a string", () => {
    expect(options.get("CONFIG_CC_VERSION_TEXT")).toBe("gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0");
    expect(options.get("CONFIG_LOCALVERSION")).toBe("");
  });

  test("leaves out what is not set", () => {
    expect(options.has("CONFIG_BRIDGE_MRP")).toBe(false);
    expect(options.size).toBe(5);
  });

  test("makes control characters of a value visible", () => {
    expect(parseKernelConfig('CONFIG_X="a\u001b[31mb"').get("CONFIG_X")).toBe("a\\x1b[31mb");
  });
});
