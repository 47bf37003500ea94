import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { doctorCommand } from "../../src/cli/doctor.ts";
import { diagnose, environment, prerequisites } from "../../src/doctor/index.ts";
import { runSchema } from "../../src/document/run.ts";

const kernelMounts = () =>
  readFileSync("/proc/self/mounts", "utf8").match(/^.* (securityfs|debugfs) .*$/gm);

// Read before anything was asked: a mount that is left stays for the whole of this file.
const MOUNTS = kernelMounts();

const folders: string[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  process.exitCode = undefined;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A PATH with everything of this machine but one tool, in whose place a script can stand. */
function pathWithout(tool: string, script?: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "bridgescope-path-"));
  folders.push(folder);
  for (const source of ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].filter(existsSync)) {
    for (const name of readdirSync(source)) {
      if (name === tool || existsSync(path.join(folder, name))) continue;
      symlinkSync(path.join(source, name), path.join(folder, name));
    }
  }
  if (script !== undefined) {
    writeFileSync(path.join(folder, tool), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(folder, tool), 0o755);
  }
  return folder;
}

/** Runs `bridgescope doctor` in this process and gives what it printed and its exit status. */
async function doctor(...args: string[]) {
  let stdout = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  await doctorCommand().parseAsync(args, { from: "user" });
  vi.restoreAllMocks();
  const exitCode = process.exitCode ?? 0;
  process.exitCode = undefined;
  return { stdout, exitCode };
}

describe("on this machine", () => {
  test("a bench can run, and every family has its findings", async () => {
    const findings = await diagnose();
    expect(new Set(findings.map(({ id }) => id.split("/")[0]))).toEqual(
      new Set(["privilege", "kernel", "tool", "network", "backend", "limit", "noise"]),
    );
    expect(new Set(findings.map(({ id }) => id)).size).toBe(findings.length);
    expect(await prerequisites("bench")).toEqual([]);
    const bpftrace = findings.find(({ id }) => id === "tool/bpftrace");
    expect(bpftrace?.observed).toMatch(/^0\.\d+\.\d+$/);
  });

  test("--json prints the findings under their schema and exits 0", async () => {
    const { stdout, exitCode } = await doctor("--json");
    const document = JSON.parse(stdout);
    expect(document.schema).toBe("bridgescope.doctor/1");
    expect(document.findings.length).toBeGreaterThan(30);
    expect(exitCode).toBe(0);
  });

  test("the environment fits the run document and names this kernel", async () => {
    const found = runSchema.shape.environment.parse(await environment());
    expect(found.kernel.release).not.toBe("unknown");
    expect(found.cpu.online).toBeGreaterThan(0);
    expect(found.tools.bpftrace).toMatch(/^0\./);
    expect(found.tools.iproute2).toMatch(/^\d/);
    expect(found.sysctls["net.core.netdev_max_backlog"]).toMatch(/^\d+$/);
    expect(found.noise.length).toBeGreaterThan(5);
  });

  test("looking leaves no mount behind", async () => {
    await Promise.all([diagnose(), environment()]);
    expect(kernelMounts()).toEqual(MOUNTS);
  });
});

describe("a tool that", () => {
  test("is not there is missing, with the command that brings it, and exit status 4", async () => {
    vi.stubEnv("PATH", pathWithout("bpftrace"));
    const { stdout, exitCode } = await doctor();
    expect(stdout).toMatch(/^tool\/bpftrace +missing +not found on PATH$/m);
    expect(stdout).toMatch(/-> .*install.* bpftrace/);
    expect(exitCode).toBe(4);
    expect((await prerequisites("bench")).map(({ id }) => id)).toEqual(["tool/bpftrace"]);
    expect(await prerequisites("lab")).toEqual([]);
  });

  test("is optional leaves the exit status at 0", async () => {
    vi.stubEnv("PATH", pathWithout("iperf3"));
    const { stdout, exitCode } = await doctor();
    expect(stdout).toMatch(/^tool\/iperf3 +missing/m);
    expect(exitCode).toBe(0);
  });

  test("prints garbage is missing and cannot reach the terminal", async () => {
    vi.stubEnv("PATH", pathWithout("bpftrace", "printf '\\033[2J\\377garbage'; exit 3"));
    const { stdout, exitCode } = await doctor();
    expect(stdout).toMatch(/tool\/bpftrace +missing +gives no version: \\x1b\[2J.*garbage/);
    expect(stdout).not.toContain("\u001b");
    expect(exitCode).toBe(4);
  });

  test("hangs is given up on within seconds", async () => {
    vi.stubEnv("PATH", pathWithout("bpftrace", "exec sleep 60"));
    const since = performance.now();
    const [found] = await prerequisites("bench");
    expect(found).toMatchObject({ id: "tool/bpftrace", status: "missing" });
    expect(found?.observed).toContain("did not answer within 3 s");
    expect(performance.now() - since).toBeLessThan(8_000);
  });
});
