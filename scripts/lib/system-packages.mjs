import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { release } from "node:os";
import { runStep } from "./child.mjs";
import { Failure } from "./failure.mjs";
import { findCommand } from "./find-command.mjs";

/**
 * What bridgescope runs, and the Debian package that brings it. `alternatives` are package sets for
 * releases that have no such package; `probe` are arguments with which a working one exits 0.
 */
export const SYSTEM_PACKAGES = [
  { name: "bpftrace", commands: ["bpftrace"] },
  {
    name: "bpftool",
    commands: ["bpftool"],
    // Older Ubuntu releases: `bpftool` is virtual there, linux-tools-common brings a wrapper that
    // is of use only beside the tools of the running kernel.
    probe: ["version"],
    alternatives: [
      ["linux-tools-common", `linux-tools-${release()}`],
      ["linux-tools-common", "linux-tools-generic"],
    ],
  },
  { name: "iproute2", commands: ["ip", "bridge", "tc"] },
  { name: "iputils-ping", commands: ["ping"] },
  { name: "iperf3", commands: ["iperf3"] },
  { name: "nftables", commands: ["nft"] },
  { name: "tcpdump", commands: ["tcpdump"] },
  { name: "util-linux", commands: ["nsenter", "setpriv", "taskset", "unshare"] },
  { name: "kmod", commands: ["modprobe", "modinfo"] },
  { name: "procps", commands: ["sysctl"] },
];

/** What guest kernels take besides. */
export const GUEST_PACKAGES = [
  { name: "qemu-system-x86", commands: ["qemu-system-x86_64"] },
  {
    name: "debian-archive-keyring",
    // Under the one name or, from Debian 14 on, the other.
    anyFile: ["gpg", "pgp"].map((type) => `/usr/share/keyrings/debian-archive-keyring.${type}`),
  },
];

/** Whose real networks `explain` is tried on. */
export const NETWORK_PACKAGES = [
  { name: "podman", commands: ["podman"] },
  { name: "runc", commands: ["runc"] },
  { name: "iptables", commands: ["iptables"] },
  { name: "busybox-static", commands: ["busybox"] },
  { name: "containernetworking-plugins", anyFile: ["/usr/lib/cni/bridge"] },
  { name: "mininet", commands: ["mn"] },
  { name: "bridge-utils", commands: ["brctl"] },
];

/** What the reports are looked at with. */
export const BROWSER_PACKAGES = [
  { name: "chromium", commands: ["chromium"] },
  { name: "fonts-dejavu-core", anyFile: ["/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"] },
];

/** What `npm run bench:peers` compares with. */
export const PEER_PACKAGES = [
  { name: "netsniff-ng", commands: ["trafgen"] },
  { name: "sockperf", commands: ["sockperf"] },
  { name: "mininet", commands: ["mn"] },
  { name: "bridge-utils", commands: ["brctl"] },
];

// Another apt may be at work, as on a freshly booted cloud machine.
const APT_OPTIONS = ["-o", "DPkg::Lock::Timeout=120"];

/** Installs what is missing with apt-get, or says in one sentence what to install. */
export async function ensureSystemPackages(packages = SYSTEM_PACKAGES, say = () => {}) {
  const missing = packages.filter((item) => lacking(item).length > 0);
  if (missing.length === 0) return;
  const names = missing.map((item) => item.name).join(" ");
  const because = `${missing.flatMap(lacking).join(", ")} not found or not working`;
  if (!findCommand("apt-get")) {
    throw new Failure(`${because}; install these packages (Debian's names): ${names}`, 4);
  }
  if (process.getuid?.() !== 0) {
    throw new Failure(
      `${because}; install as root: apt-get install -y --no-install-recommends ${names}`,
      4,
    );
  }
  say(`${because}: installing ${names} with apt-get`);
  await apt(["update", "-q"]);
  await apt(["install", "-y", "-q", "--no-install-recommends", ...missing.flatMap(resolve)]);
  const still = missing.flatMap(lacking);
  if (still.length > 0) {
    throw new Failure(
      `apt-get installed ${names}, and yet not found or not working: ${still.join(", ")}`,
      4,
    );
  }
}

/** The commands and files of a package that are not there, or do not work. */
function lacking({ commands = [], anyFile = [], probe }) {
  const broken = commands.filter((name) => {
    const path = findCommand(name);
    if (path === null) return true;
    return probe !== undefined && spawnSync(path, probe, { stdio: "ignore" }).status !== 0;
  });
  return anyFile.length === 0 || anyFile.some(existsSync) ? broken : [...broken, anyFile[0]];
}

/** The packages that bring an item on this release. */
function resolve({ name, alternatives = [] }) {
  return [[name], ...alternatives].find((set) => set.every(hasCandidate)) ?? [name];
}

/** A virtual package has no candidate version of its own. */
function hasCandidate(name) {
  const { stdout } = spawnSync("apt-cache", ["policy", name], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  return /^ {2}Candidate: (?!\(none\))\S/m.test(stdout ?? "");
}

async function apt(args) {
  try {
    // Not tied to us: a package manager that is cut off leaves a half-installed machine.
    await runStep(`apt-get ${args[0]}`, "apt-get", [...APT_OPTIONS, ...args], {
      tied: false,
      env: {
        ...process.env,
        DEBIAN_FRONTEND: "noninteractive",
        NEEDRESTART_SUSPEND: "1",
        LC_ALL: "C",
      },
    });
  } catch (error) {
    if (error instanceof Failure && error.exitCode < 128) error.exitCode = 4;
    throw error;
  }
}
