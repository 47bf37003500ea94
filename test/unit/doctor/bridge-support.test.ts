import { expect, test } from "vitest";
import {
  describe as describePresence,
  hasBuiltin,
  inConfig,
} from "../../../src/doctor/bridge-support.ts";
import { parseKernelConfig } from "../../../src/doctor/kernel-config.ts";

const BUILTINS = `kernel/net/bridge/bridge.ko
kernel/net/bridge/br_netfilter.ko
kernel/drivers/net/veth.ko
kernel/drivers/char/hw_random/rng-core.ko
`;

test("a built-in module is found by its name, whatever its folder and its dashes", () => {
  expect(hasBuiltin(BUILTINS, "bridge")).toBe(true);
  expect(hasBuiltin(BUILTINS, "rng_core")).toBe(true);
  expect(hasBuiltin(BUILTINS, "netfilter")).toBe(false);
  expect(hasBuiltin("", "bridge")).toBe(false);
});

test("an option is built in, a module, absent, or not known", () => {
  const config = { source: "", options: parseKernelConfig("CONFIG_VETH=y\nCONFIG_BRIDGE=m\n") };
  expect(inConfig(config, "CONFIG_VETH")).toBe("built in");
  expect(inConfig(config, "CONFIG_BRIDGE")).toBe("loadable");
  expect(inConfig(config, "CONFIG_NET_SCH_NETEM")).toBe("absent");
  expect(inConfig(null, "CONFIG_VETH")).toBe("unknown");
});

test("what is absent names the option that mends it", () => {
  const found = describePresence({
    id: "network/bridge",
    requiredFor: "lab",
    use: "labs on a bridge",
    option: "CONFIG_BRIDGE",
    there: "absent",
  });
  expect(found).toMatchObject({ status: "missing", requiredFor: "lab" });
  expect(found.remedy).toContain("CONFIG_BRIDGE=y");
});

test("what cannot be told is a warning, not an obstacle", () => {
  const found = describePresence({
    id: "network/bridge",
    requiredFor: "lab",
    use: "labs on a bridge",
    option: "CONFIG_BRIDGE",
    there: "unknown",
  });
  expect(found).toMatchObject({ status: "warning", requiredFor: null });
});
