import { parseCapabilities } from "../system/capabilities.ts";
import { type Finding, finding, type Job } from "./finding.ts";
import { readLine, readText } from "./read.ts";

export interface PrivilegeFacts {
  uid: number;
  capabilities: ReadonlySet<number>;
  initialUserNamespace: boolean;
}

interface Need {
  name: string;
  bit: number;
  requiredFor: Job | null;
  use: string;
  /** Holds the same power in this capability's stead. */
  standIn?: number;
}

const SYS_ADMIN = 21;

/** Bits from include/uapi/linux/capability.h. */
const NEEDS: readonly Need[] = [
  { name: "CAP_NET_ADMIN", bit: 12, requiredFor: "lab", use: "making links, bridges, addresses" },
  { name: "CAP_NET_RAW", bit: 13, requiredFor: "lab", use: "ping and sending raw frames" },
  {
    name: "CAP_SYS_ADMIN",
    bit: SYS_ADMIN,
    requiredFor: "lab",
    use: "making and entering namespaces, mounting in a private one",
  },
  {
    name: "CAP_BPF",
    bit: 39,
    requiredFor: "bench",
    use: "loading probe programs",
    standIn: SYS_ADMIN,
  },
  {
    name: "CAP_PERFMON",
    bit: 38,
    requiredFor: "bench",
    use: "attaching probe programs and reading kernel memory",
    standIn: SYS_ADMIN,
  },
  {
    name: "CAP_SYS_RESOURCE",
    bit: 24,
    requiredFor: null,
    use: "raising RLIMIT_MEMLOCK, which bpftrace warns about and only kernels before 5.11 need",
  },
];

/** True for the identity map over all ids, which only the initial user namespace has. */
export function isInitialUserNamespace(uidMap: string): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
}

export async function readPrivilegeFacts(): Promise<PrivilegeFacts> {
  const [status, uidMap] = await Promise.all([
    readText("/proc/self/status"),
    readLine("/proc/self/uid_map"),
  ]);
  return {
    uid: process.geteuid?.() ?? -1,
    capabilities: parseCapabilities(status ?? ""),
    initialUserNamespace: uidMap === null || isInitialUserNamespace(uidMap),
  };
}

export function privilegeFindings(facts: PrivilegeFacts): Finding[] {
  return [user(facts), ...NEEDS.map((need) => capability(need, facts))];
}

function user({ uid, initialUserNamespace }: PrivilegeFacts): Finding {
  const id = "privilege/user";
  if (uid !== 0) {
    return finding({
      id,
      status: "missing",
      requiredFor: "lab",
      observed: `user id ${uid}`,
      meaning: "labs and probes need root",
      remedy: "run it again as root (sudo)",
    });
  }
  if (!initialUserNamespace) {
    return finding({
      id,
      status: "missing",
      requiredFor: "bench",
      observed: "root of a user namespace",
      meaning: "the kernel lets only the host's own root trace it",
      remedy: "run it outside of the user namespace (a privileged container on the host's ids)",
    });
  }
  return finding({ id, status: "ok", observed: "root", meaning: "labs and probes are allowed" });
}

function capability(need: Need, { capabilities }: PrivilegeFacts): Finding {
  const id = `privilege/${need.name}`;
  if (capabilities.has(need.bit)) {
    return finding({ id, status: "ok", observed: "effective", meaning: `for ${need.use}` });
  }
  if (need.standIn !== undefined && capabilities.has(need.standIn)) {
    return finding({
      id,
      status: "ok",
      observed: "absent, CAP_SYS_ADMIN stands in",
      meaning: `for ${need.use}`,
    });
  }
  return finding({
    id,
    status: need.requiredFor === null ? "warning" : "missing",
    requiredFor: need.requiredFor,
    observed: "not in the effective set",
    meaning: `needed for ${need.use}`,
    remedy: `run it as the host's root; in a container: --privileged or --cap-add ${need.name.slice(4)}`,
  });
}
