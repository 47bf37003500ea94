import { access } from "node:fs/promises";
import { type Finding, finding, type Job } from "./finding.ts";
import type { KernelFacts } from "./kernel.ts";
import type { KernelConfig } from "./kernel-config.ts";
import { ask, readText } from "./read.ts";

interface Module {
  name: string;
  option: string;
  requiredFor: Job | null;
  use: string;
}

const MODULES: readonly Module[] = [
  { name: "bridge", option: "CONFIG_BRIDGE", requiredFor: "lab", use: "labs on a bridge" },
  { name: "veth", option: "CONFIG_VETH", requiredFor: "lab", use: "labs of more than a namespace" },
  {
    name: "br_netfilter",
    option: "CONFIG_BRIDGE_NETFILTER",
    requiredFor: null,
    use: "the topology option nf_call=1, bridged frames passing the firewall",
  },
];

interface Feature {
  option: string;
  requiredFor?: Job;
  module?: string;
  use: string;
}

const FEATURES: readonly Feature[] = [
  {
    option: "CONFIG_BRIDGE_VLAN_FILTERING",
    use: "the topology option vlan_filtering=1 and findings about VLANs",
  },
  { option: "CONFIG_BRIDGE_IGMP_SNOOPING", use: "the topology option mcast_snooping=1" },
  { option: "CONFIG_NET_SCH_NETEM", module: "sch_netem", use: "delay and loss on a lab's links" },
  {
    option: "CONFIG_FTRACE_SYSCALLS",
    requiredFor: "bench",
    use: "probes, which take the beginning of a round from a system call's tracepoint",
  },
];

/** `built in`, `loaded` and `loadable` all mean that it works. */
export type Presence = "built in" | "loaded" | "loadable" | "absent" | "unknown";

export async function bridgeSupportFindings(kernel: KernelFacts): Promise<Finding[]> {
  const builtins = (await readText(`/lib/modules/${kernel.release}/modules.builtin`)) ?? "";
  const modules = MODULES.map(async (module) =>
    moduleFinding(module, await presence(module.name, module.option, kernel, builtins)),
  );
  const features = FEATURES.map(async (feature) =>
    featureFinding(
      feature,
      feature.module === undefined
        ? inConfig(kernel.config, feature.option)
        : await presence(feature.module, feature.option, kernel, builtins),
    ),
  );
  return Promise.all([...modules, ...features]);
}

async function presence(
  name: string,
  option: string,
  { config }: KernelFacts,
  builtins: string,
): Promise<Presence> {
  if (config?.options.get(option) === "y" || hasBuiltin(builtins, name)) return "built in";
  if (config !== null && !config.options.has(option)) return "absent";
  if (await exists(`/sys/module/${name}`)) return "loaded";
  const answer = await ask("modinfo", ["--field", "filename", name]);
  if (answer?.exitCode === 0) return "loadable";
  return answer === null || config === null ? "unknown" : "absent";
}

/** modules.builtin names files, `kernel/net/bridge/bridge.ko`, with `-` and `_` as they come. */
export function hasBuiltin(builtins: string, name: string): boolean {
  return builtins.split("\n").some((line) => {
    const file = line.slice(line.lastIndexOf("/") + 1);
    return file.replaceAll("-", "_") === `${name}.ko`;
  });
}

export function inConfig(config: KernelConfig | null, option: string): Presence {
  if (config === null) return "unknown";
  const value = config.options.get(option);
  return value === "y" ? "built in" : value === "m" ? "loadable" : "absent";
}

function moduleFinding({ name, option, requiredFor, use }: Module, there: Presence): Finding {
  return describe({ id: `network/${name}`, requiredFor, use, option, there });
}

function featureFinding({ option, requiredFor, use }: Feature, there: Presence): Finding {
  const id = `network/${option}`;
  return describe({ id, requiredFor: requiredFor ?? null, use, option, there });
}

interface Description {
  id: string;
  requiredFor: Job | null;
  use: string;
  option: string;
  there: Presence;
}

export function describe({ id, requiredFor, use, option, there }: Description): Finding {
  if (there === "unknown") {
    return finding({
      id,
      status: "warning",
      observed: "cannot be told: neither the kernel configuration nor its modules are readable",
      meaning: `needed for ${use}; without it that ends with exit status 4`,
    });
  }
  if (there === "absent") {
    return finding({
      id,
      status: "missing",
      requiredFor,
      observed: `${option} is not in this kernel`,
      meaning: `not possible here: ${use}`,
      remedy: `boot a kernel with ${option}=y or its module (distribution kernels have it)`,
    });
  }
  return finding({ id, status: "ok", requiredFor, observed: there, meaning: `for ${use}` });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
