import { type Entry, entriesUnder } from "./cpio.ts";

/** What bridgescope calls, what its users want at hand, and what makes a system of it. */
export const PACKAGES = [
  "base-files",
  "base-passwd",
  "bpftool",
  "bpftrace",
  "bsdutils",
  "coreutils",
  "dash",
  "findutils",
  "grep",
  "gzip",
  "iperf3",
  "iproute2",
  "iputils-ping",
  "kmod",
  "libc-bin",
  "mount",
  "nftables",
  "nodejs",
  "procps",
  "sed",
  "tar",
  "util-linux",
] as const;

/** Of no use in a guest, and every megabyte costs an emulated processor 10 ms of unpacking. */
export const LEFT_OUT = new RegExp(
  `^(?:${[
    "usr/share/(?:doc|doc-base|man|info|locale|common-licenses|bash-completion|zsh|lintian|bug|menu|pixmaps|perl5|debconf|gcc|gdb|i18n|pam|pam-configs|initramfs-tools|dict|applications|fish|polkit-1|zoneinfo)",
    "usr/share/nodejs/(?:@types|corepack|undici-types|npm)",
    "usr/share/bpftrace",
    "usr/(?:include|src|games|local)",
    "usr/lib/(?:systemd|tmpfiles\\.d|sysusers\\.d|locale|mime|python3|sysctl\\.d)",
    "usr/lib/x86_64-linux-gnu/(?:gconv|perl.*|cmake|pkgconfig|security|engines-[^/]+|ossl-modules)",
    "usr/lib/llvm-[^/]+/(?!lib(?:/|$)).*",
    "usr/.*\\.(?:a|la|bt)",
    "usr/sbin/[^/]*\\.bt",
    "var/(?:lib|cache|log|backups)/.*",
    "etc/(?:init\\.d|cron\\..*|systemd|apparmor\\.d|pam\\.d|security|logrotate\\.d|profile\\.d|skel)",
  ].join("|")})$`,
);

/** The unpacked packages without what no guest needs, and with the few files that scripts would have made. */
export async function* userlandEntries(tree: string): AsyncGenerator<Entry> {
  yield* entriesUnder(tree, (relative) => {
    if (relative in MADE || LEFT_OUT.test(relative)) return null;
    return relative;
  });
  for (const [path, text] of Object.entries(MADE)) {
    yield { path, kind: "file", data: Buffer.from(text) };
  }
  // The kernel opens it for init before anything is mounted.
  yield { path: "dev/console", kind: "device", major: 5, minor: 1 };
  yield { path: "dev/null", kind: "device", mode: 0o666, major: 1, minor: 3 };
}

const MADE: Record<string, string> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "etc/hosts": "127.0.0.1 localhost bridgescope-guest\n",
  "etc/hostname": "bridgescope-guest\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
};
