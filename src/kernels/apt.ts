import { constants } from "node:fs";
import { access, mkdir, writeFile } from "node:fs/promises";
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
  /** `SHA256:…` (or another of apt's hashes) of the .deb. */
  checksum: string;
  bytes: number;
}

/** An apt of our own: it shares nothing with the machine's but the way through proxies. */
export interface Apt {
  /** What these packages and all they depend on come to, on a machine that has nothing. */
  resolve(packages: readonly string[]): Promise<Package[]>;
  /** Fetches exactly these, checked by apt; the paths of the .deb files. */
  fetch(packages: readonly Package[]): Promise<string[]>;
}

const KEYRINGS = ["gpg", "pgp"].map((type) => `/usr/share/keyrings/debian-archive-keyring.${type}`);

const UPDATE_TIMEOUT_MS = 180_000;
const FETCH_TIMEOUT_MS = 1_200_000;

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
    fetch: async (packages) => {
      const target = path.join(folder, "debs");
      await mkdir(target, { recursive: true });
      const wanted = packages.map(({ name, version }) => `${name}=${version}`);
      await apt(["download", ...wanted], FETCH_TIMEOUT_MS, target);
      return packages.map(({ name, version }) =>
        path.join(target, `${name}_${version.replaceAll(":", "%3a")}_`),
      );
    },
  };
}

async function configure(
  folder: string,
  suite: Suite,
  mirror: string,
  signal?: AbortSignal,
): Promise<string> {
  const keyring = await findKeyring();
  for (const part of ["etc", "state/lists/partial", "cache/archives/partial"]) {
    await mkdir(path.join(folder, part), { recursive: true });
  }
  await writeFile(path.join(folder, "status"), "");
  await writeFile(
    path.join(folder, "etc", "sources.list"),
    `deb [arch=amd64 signed-by=${keyring}] ${mirror} ${suite} main\n`,
  );
  const proxies = await runTool("apt-config", ["dump", "Acquire::http", "Acquire::https"], {
    signal,
  });
  const file = path.join(folder, "apt.conf");
  await writeFile(file, aptConfiguration(folder, suite, proxies.stdout));
  return file;
}

/** In a file, not as options: the machine's own hooks (images that clean up after apt) must not run. */
function aptConfiguration(folder: string, suite: Suite, acquire: string): string {
  const settings: [string, string][] = [
    ["Dir", folder],
    ["Dir::Etc", "etc"],
    ["Dir::Etc::sourcelist", "sources.list"],
    ["Dir::Etc::sourceparts", "-"],
    ["Dir::Etc::parts", "-"],
    ["Dir::Etc::netrc", "/etc/apt/auth.conf"],
    ["Dir::Etc::netrcparts", "/etc/apt/auth.conf.d"],
    ["Dir::State", "state"],
    ["Dir::State::status", path.join(folder, "status")],
    ["Dir::Cache", "cache"],
    ["APT::Architecture", "amd64"],
    ["APT::Architectures::", "amd64"],
    ["APT::Sandbox::User", "root"],
    ["APT::Update::Error-Mode", "any"],
    ["Acquire::Languages", "none"],
    ["Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false"],
    ["Acquire::Retries", "2"],
    ["Acquire::http::Timeout", "20"],
    ["Acquire::https::Timeout", "20"],
    // bullseye is finished and its Release file ends; sid's is short-lived and mirrors lag.
    ["Acquire::Check-Valid-Until", suite === "sid" || suite === "bullseye" ? "false" : "true"],
  ];
  const own = settings.map(([name, value]) => `${name} "${value}";\n`).join("");
  const inherited =
    acquire.match(/^Acquire::https?::\S*(?:Proxy|CA|SSL|Verify)\S* ".*";$/gim) ?? [];
  return `${own}${inherited.map((line) => `${line}\n`).join("")}`;
}

async function findKeyring(): Promise<string> {
  for (const keyring of KEYRINGS) {
    try {
      await access(keyring, constants.R_OK);
      return keyring;
    } catch {
      // the other name then
    }
  }
  throw new PrerequisiteError(
    "Debian's archive keys are not here, and packages are taken only with their signature: apt-get install debian-archive-keyring",
  );
}

/** Lines of `apt-get --print-uris`: 'URL' file bytes hash. */
function parseUris(text: string): Package[] {
  return text.split("\n").flatMap((line) => {
    const match = /^'[^']+' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb (\d+) ?(\S*)$/.exec(line);
    const [, name, version, bytes, checksum] = match ?? [];
    if (name === undefined || version === undefined) return [];
    return [
      {
        name,
        version: decodeURIComponent(version),
        bytes: Number(bytes),
        checksum: checksum ?? "",
      },
    ];
  });
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
