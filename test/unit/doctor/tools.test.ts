import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { installerFor } from "../../../src/doctor/packages.ts";
import {
  parseToolVersion,
  showToolVersion,
  TOOLS,
  toolFinding,
} from "../../../src/doctor/tools.ts";
import { compareVersions, parseVersion } from "../../../src/doctor/version.ts";

// Recorded on each release with the tools of its own packages.
const RECORDED: Record<string, Record<string, string>> = JSON.parse(
  readFileSync(new URL("fixtures/tool-versions.json", import.meta.url), "utf8"),
);

const install = installerFor("ID=debian\n");

function tool(command: string) {
  const found = TOOLS.find((candidate) => candidate.command === command);
  if (found === undefined) throw new Error(`no tool ${command}`);
  return found;
}

function judge(command: string, output: string) {
  return toolFinding(tool(command), parseToolVersion(tool(command), output), install);
}

describe("versions as the tools of four Debian releases print them", () => {
  const expected: Record<string, Record<string, string>> = {
    "debian bullseye": { bpftrace: "0.11.3", ip: "5.9.0", bridge: "5.9.0", ping: "20210202" },
    "debian bookworm": { bpftrace: "0.17.0", ip: "6.1.0", bridge: "6.1.0", ping: "20221126" },
    "debian trixie": { bpftrace: "0.23.2", ip: "6.15.0", bridge: "6.15.0", ping: "20240905" },
    "debian sid": { bpftrace: "0.27.1", ip: "7.3.0", bridge: "7.3.0", ping: "20250605" },
  };
  const rest: Record<string, Record<string, string>> = {
    "debian bullseye": { iperf3: "3.9.0", nft: "0.9.8", bpftool: "5.10.223", setpriv: "2.36.1" },
    "debian bookworm": {
      iperf3: "3.12.0",
      nft: "1.0.6",
      bpftool: "7.1.0",
      setpriv: "2.38.1",
      taskset: "2.38.1",
      "qemu-system-x86_64": "7.2.22",
    },
    "debian trixie": { iperf3: "3.18.0", nft: "1.1.3", bpftool: "7.5.0", setpriv: "2.41.5" },
    "debian sid": { iperf3: "3.22.0", nft: "1.1.7", bpftool: "7.8.0", setpriv: "2.42.4" },
  };

  test.each(Object.keys(RECORDED))("%s", (release) => {
    const read = Object.fromEntries(
      // Of qemu and taskset only the release's that guests were tried with is recorded.
      TOOLS.filter(({ command }) => RECORDED[release]?.[command] !== undefined).map(
        ({ command }) => {
          const { version } = parseToolVersion(tool(command), RECORDED[release]?.[command] ?? "");
          return [command, version && showToolVersion(version)];
        },
      ),
    );
    const utilLinux = rest[release]?.setpriv;
    expect(read).toEqual({
      ...expected[release],
      ...rest[release],
      nsenter: utilLinux,
      unshare: utilLinux,
    });
  });
});

describe("bpftrace", () => {
  test("of a supported version is well", () => {
    expect(judge("bpftrace", "bpftrace v0.17.0\n").status).toBe("ok");
    expect(judge("bpftrace", "bpftrace v0.27.1\n").status).toBe("ok");
  });

  test("before 0.17 is as good as missing", () => {
    expect(judge("bpftrace", "bpftrace v0.16.0\n")).toEqual({
      id: "tool/bpftrace",
      status: "missing",
      requiredFor: "bench",
      observed: "0.16.0",
      meaning: "too old, 0.17.0 or later is needed; it runs the probe programs",
      remedy: expect.stringMatching(
        /^install bpftrace 0\.17 or later .*`bridgescope bench --kernel debian:bullseye`/,
      ),
    });
  });

  test("later than the last that was tried is a warning", () => {
    const found = judge("bpftrace", "bpftrace v0.28.0-12-gabcdef\n");
    expect(found).toMatchObject({ status: "warning", observed: "0.28.0" });
    expect(found.meaning).toContain("later than 0.27");
  });

  test("that prints garbage is missing and shows what it printed, safe to print", () => {
    expect(judge("bpftrace", "\u001b]0;owned\u0007v1.2.3\n")).toMatchObject({
      status: "missing",
      observed: "gives no version: \\x1b]0;owned\\x07v1.2.3",
    });
    expect(judge("bpftrace", "").observed).toBe("gives no version: prints nothing");
  });
});

test("a ping that is not of iputils does not count", () => {
  expect(judge("ping", "BusyBox v1.35.0 (Debian 1:1.35.0-4) multi-call binary.").status).toBe(
    "missing",
  );
});

test("the wrapper that Ubuntu installs without its tool is no bpftool", () => {
  const wrapper = "WARNING: bpftool not found for kernel 6.8.0-45\n\n  You may need to install";
  expect(judge("bpftool", wrapper)).toMatchObject({ status: "missing", requiredFor: "bench" });
});

test("the remedy speaks the distribution's language", () => {
  expect(installerFor("ID=ubuntu\nID_LIKE=debian\n")("iproute2")).toMatch(
    /^apt-get install .* iproute2$/,
  );
  expect(installerFor("ID=ubuntu\nID_LIKE=debian\n")("bpftool")).toContain(
    "linux-tools-$(uname -r)",
  );
  expect(installerFor('ID=linuxmint\nID_LIKE="ubuntu debian"\n')("bpftool")).toContain(
    "linux-tools-common",
  );
  expect(installerFor('ID="rocky"\nID_LIKE="rhel centos fedora"\n')("iproute2")).toBe(
    "dnf install -y iproute",
  );
  expect(installerFor("ID=nixos\n")("iperf3")).toContain("install iperf3");
});

test("versions are compared by number", () => {
  const version = (text: string) => parseVersion(text) ?? [0, 0, 0];
  expect(compareVersions(version("0.9.8"), version("0.17"))).toBeLessThan(0);
  expect(compareVersions(version("6.18.44-fc-v657"), version("6.18.44"))).toBe(0);
  expect(compareVersions(version("7.0"), version("6.99.99"))).toBeGreaterThan(0);
  expect(parseVersion("none")).toBeNull();
});

test("bpftool is run for the names of programs alone, and no text says otherwise", () => {
  const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(`src/${name}`, "utf8"));
  const runs = sources.flatMap((text) => [...text.matchAll(/\("bpftool", \[(.*?)\]/g)]);
  expect(runs.map(([, words]) => words)).toEqual(['"-j", "prog", "show"']);
  expect(tool("bpftool").use).toMatch(/^names the probe programs/);
  expect(readFileSync("ARCHITECTURE.md", "utf8")).not.toMatch(/mirror[^.]*bpftool/);
});
