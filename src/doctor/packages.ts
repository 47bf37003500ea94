import { readText } from "./read.ts";

/** How a person installs a Debian package's counterpart here. */
export type Installer = (debianPackage: string) => string;

/** Many of its releases have bpftool among the tools of each kernel only. */
const UBUNTU_NAMES: Record<string, string> = {
  bpftool: "linux-tools-common linux-tools-$(uname -r)",
};

const FEDORA_NAMES: Record<string, string> = {
  iproute2: "iproute",
  "iputils-ping": "iputils",
  procps: "procps-ng",
};

const apt: Installer = (names) => `apt-get install -y --no-install-recommends ${names}`;

/** The install command of the distribution that an os-release file describes. */
export function installerFor(osRelease: string): Installer {
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap((match) =>
    (match[1] ?? "").split(" "),
  );
  if (ids.includes("ubuntu")) return (name) => apt(UBUNTU_NAMES[name] ?? name);
  if (ids.includes("debian")) return apt;
  if (ids.includes("fedora") || ids.includes("rhel")) {
    return (name) => `dnf install -y ${FEDORA_NAMES[name] ?? name}`;
  }
  return (name) => `install ${name} (Debian's name) with your package manager`;
}

export async function readInstaller(): Promise<Installer> {
  return installerFor((await readText("/etc/os-release")) ?? "");
}
