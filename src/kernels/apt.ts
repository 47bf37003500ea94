import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { CommandResult } from "../system/command.ts";
import { PrerequisiteError, ToolError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import type { Suite } from "./spec.ts";
import { runTool } from "./tool.ts";

/** A package as the signed index of the archive has it. */
export interface Package {
  name: string;
  version: string;
  /** `SHA256:…` of the .deb. */
  checksum: string;
  bytes: number;
}

/** An apt of our own: it shares nothing with the machine's but the way through proxies. */
export interface Apt {
  /** What these packages and all they depend on come to, on a machine that has nothing. */
  resolve(packages: readonly string[]): Promise<Package[]>;
  /** Fetches exactly these, checked by apt, and unpacks them into a new folder, without any of their scripts. */
  unpack(packages: readonly Package[], tree: string): Promise<void>;
}

const KEYRINGS = ["gpg", "pgp"].map((type) => `/usr/share/keyrings/debian-archive-keyring.${type}`);

const UPDATE_TIMEOUT_MS = 180_000;
const FETCH_TIMEOUT_MS = 1_200_000;
const UNPACK_TIMEOUT_MS = 300_000;

export async function openApt(
  folder: string,
  suite: Suite,
  mirror: string,
  signal?: AbortSignal,
): Promise<Apt> {
  const config = await configure(folder, suite, mirror, signal);
  const apt = async (args: readonly string[], timeoutMs: number, cwd = folder) => {
    const result = await runTool("apt-get", ["-qq", ...args], {
      timeoutMs,
      signal,
      cwd,
      env: { APT_CONFIG: config, DEBIAN_FRONTEND: "noninteractive" },
    });
    if (result.exitCode !== 0) throw refused(result, suite, mirror);
    return result.stdout;
  };
  await apt(["update"], UPDATE_TIMEOUT_MS);
  return {
    resolve: async (packages) => {
      const install = ["--print-uris", "--yes", "--no-install-recommends", "install"];
      return parseUris(await apt([...install, ...packages], UPDATE_TIMEOUT_MS));
    },
    unpack: async (packages, tree) => {
      const debs = path.join(folder, "debs");
      await mkdir(debs);
      await mkdir(tree);
      const wanted = packages.map(({ name, version }) => `${name}=${version}`);
      await apt(["download", ...wanted], FETCH_TIMEOUT_MS, debs);
      for (const deb of (await readdir(debs)).sort()) {
        const result = await runTool("dpkg-deb", ["--extract", path.join(debs, deb), tree], {
          timeoutMs: UNPACK_TIMEOUT_MS,
          signal,
        });
        if (result.exitCode === 0) continue;
        const said = printable(result.stderr.trim().split("\n")[0] ?? "");
        throw new ToolError("dpkg-deb", `${deb} could not be unpacked: ${said}`);
      }
    },
  };
}

/** In a file, not as options: the machine's own hooks (images that clean up after apt) must not run. */
async function configure(
  folder: string,
  suite: Suite,
  mirror: string,
  signal?: AbortSignal,
): Promise<string> {
  const keyring = KEYRINGS.find(existsSync);
  if (keyring === undefined) {
    throw new PrerequisiteError(
      "Debian's archive keys are not here, and packages are taken only with their signature: apt-get install debian-archive-keyring",
    );
  }
  for (const part of ["state/lists/partial", "cache/archives/partial"]) {
    await mkdir(path.join(folder, part), { recursive: true });
  }
  const source = `deb [arch=amd64 signed-by=${keyring}] ${mirror} ${suite} main\n`;
  await writeFile(path.join(folder, "sources.list"), source);
  const settings = {
    Dir: folder,
    "Dir::Etc": folder,
    "Dir::Etc::sourceparts": "-",
    "Dir::Etc::parts": "-",
    "Dir::Etc::netrc": "/etc/apt/auth.conf",
    "Dir::Etc::netrcparts": "/etc/apt/auth.conf.d",
    "Dir::State": "state",
    "Dir::State::status": "/dev/null",
    "Dir::Cache": "cache",
    "APT::Architecture": "amd64",
    "APT::Architectures::": "amd64",
    "APT::Sandbox::User": "root",
    "APT::Update::Error-Mode": "any",
    "Acquire::ForceHash": "SHA256",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "20",
    "Acquire::https::Timeout": "20",
    // bullseye is finished and its Release file ends; sid's is short-lived and mirrors lag.
    "Acquire::Check-Valid-Until": `${suite !== "sid" && suite !== "bullseye"}`,
  };
  const own = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
  const machine = await runTool("apt-config", ["dump", "Acquire::http", "Acquire::https"], {
    signal,
  });
  const way = machine.stdout.match(/^Acquire::https?::\S*(?:Proxy|CA|SSL|Verify)\S* ".*";$/gim);
  const file = path.join(folder, "apt.conf");
  await writeFile(file, `${[...own, ...(way ?? [])].join("\n")}\n`);
  return file;
}

/** Lines of `apt-get --print-uris`: 'URL' file bytes hash. */
function parseUris(text: string): Package[] {
  const lines = text.matchAll(/^'[^']+' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb (\d+) ?(\S*)$/gm);
  return [...lines].map(([, name = "", version = "", bytes, checksum = ""]) => ({
    name,
    version: decodeURIComponent(version),
    bytes: Number(bytes),
    checksum,
  }));
}

/** apt's own first complaint, in one sentence with what to do. */
function refused(result: CommandResult, suite: Suite, mirror: string): Error {
  const lines = `${result.stderr}\n${result.stdout}`.split("\n");
  const complaint =
    lines.find((line) => line.startsWith("E: ")) ?? lines.find((line) => line.startsWith("W: "));
  const said = printable((complaint ?? result.stderr.trim()).replace(/^[EW]: /, "")).slice(0, 300);
  return new ToolError(
    "apt-get",
    `the mirror ${printable(mirror)} gave nothing usable for debian:${suite} (${said || `apt-get ended with ${result.exitCode}`}): try again, or give another with --mirror URL`,
  );
}
