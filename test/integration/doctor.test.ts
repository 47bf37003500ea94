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
import { parseBtf } from "../../src/probes/btf.ts";
import { tryBackend } from "../../src/probes/function-try.ts";
import { FUNCTION_NAMES, readFunctions } from "../../src/probes/functions.ts";
import { runOk } from "../../src/system/command.ts";
import { cannot } from "../skipped.ts";

const kernelMounts = () =>
  readFileSync("/proc/self/mounts", "utf8").match(/^.* (securityfs|debugfs) .*$/gm);

// Read before anything was asked: a mount that is left stays for the whole of this file.
const MOUNTS = kernelMounts();

/** The oldest dialect, which every version that is tried here understands for a kprobe. */
const BPFTRACE_HERE = [0, 17] as const;

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
    const { findings } = await diagnose();
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
    expect(document.functions.map(({ name }: { name: string }) => name)).toEqual(FUNCTION_NAMES);
    expect(Object.keys(document.functions[0])).toEqual(["name", "module", "fentry", "kprobe"]);
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
    expect(found.kernel.compiler).toMatch(/gcc|clang/i);
    expect(found.functions?.map(({ name }) => name)).toEqual(FUNCTION_NAMES);
  });

  test("looking leaves no mount behind", async () => {
    await Promise.all([diagnose(), environment()]);
    expect(kernelMounts()).toEqual(MOUNTS);
  });
});

describe("the function table", () => {
  const without = existsSync("/sys/kernel/btf/vmlinux") ? null : "this kernel shows no BTF";

  test.skipIf(cannot("arguments of functions beside bpftool's", without))(
    "has of a function the arguments that bpftool shows",
    async () => {
      const bytes = readFileSync("/sys/kernel/btf/vmlinux");
      const dump = JSON.parse(
        await runOk("bpftool", ["-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"]),
      ) as { types: BtfDump[] };
      const types = new Map(dump.types.map((type) => [type.id, type]));
      // In the image of any kernel: pointers, integers, typedefs, and more than six arguments.
      const names = [
        "loopback_xmit",
        "dev_queue_xmit_nit",
        "tcp_sendmsg",
        "vfs_read",
        "ip_forward",
      ];
      const found = parseBtf(bytes, names);
      const compared = names.filter((name) => {
        const shown = dump.types.find((type) => type.kind === "FUNC" && type.name === name);
        const parameters = found.func(name)?.parameters ?? null;
        expect(parameters === null, name).toBe(shown === undefined);
        const prototype = types.get(shown?.type_id ?? 0);
        expect(parameters?.map(({ name, type }) => `${type} ${name}`)).toEqual(
          prototype?.params?.map(({ name, type_id }) => `${shownType(types, type_id)} ${name}`),
        );
        return shown !== undefined;
      });
      expect(compared.length).toBeGreaterThanOrEqual(3);
      expect(found.types).toBe(dump.types.length + 1);
    },
  );

  test("names a symbol of this kernel wherever it says that one can be attached to", () => {
    const symbols = readFileSync("/proc/kallsyms", "latin1");
    for (const { name, fentry, kprobe } of readFunctions().values()) {
      const there = new RegExp(`^\\w+ [tTwW] ${name}(\\s|$)`, "m").test(symbols);
      if (fentry === null || kprobe === null) expect(there, name).toBe(true);
      else if (fentry === "inlined: no such symbol") expect(there, name).toBe(false);
    }
  });

  test("a backend is tried on the kernel, and refused in one sentence where it does not load", async () => {
    const findings = (await diagnose()).findings.filter(({ id }) => /^backend\/[fk]/.test(id));
    expect(findings.map(({ id }) => id)).toEqual(["backend/fentry", "backend/kprobe"]);
    for (const { status, observed } of findings) {
      expect(observed).toMatch(
        status === "ok" ? /^tried, and attached/ : /^cannot load: \S.*[^;,]$/,
      );
      expect(observed).not.toContain("RLIMIT");
    }
  });

  test("bpftrace's own words are kept where the table alone would let a kprobe attach", async () => {
    const functions = readFunctions();
    const lied = new Map([...functions].map(([name, known]) => [name, { ...known, kprobe: null }]));
    const reason = await tryBackend("kprobe", BPFTRACE_HERE, lied);
    if (functions.get("veth_xmit")?.kprobe === null) return expect(reason).toBeNull();
    expect(reason).toMatch(/kprobe/);
    expect(kernelMounts()).toEqual(MOUNTS);
  });

  test("auto takes the function probes where bpftrace attaches them", async () => {
    const script = 'case "$*" in *version*) echo bpftrace v0.23.2;; *) exit 0;; esac';
    vi.stubEnv("PATH", pathWithout("bpftrace", script));
    const { findings, functions } = await diagnose();
    const observed = findings.find(({ id }) => id === "backend/fentry")?.observed;
    expect(observed).toBe("tried, and attached; `--backend auto` takes it");
    expect(functions.get("br_flood")?.fentry).toBeNull();
  });
});

interface BtfDump {
  id: number;
  kind: string;
  name: string;
  type_id?: number;
  params?: { name: string; type_id: number }[];
}

/** A type as C writes it, put together from bpftool's dump. */
function shownType(types: Map<number, BtfDump>, id: number): string {
  const type = types.get(id);
  const inner = () => shownType(types, type?.type_id ?? 0);
  if (type === undefined) return "void";
  switch (type.kind) {
    case "PTR":
      return inner().replace(/(\*?)$/, (stars) => (stars === "" ? " *" : "**"));
    case "CONST":
      return `const ${inner()}`;
    case "STRUCT":
      return `struct ${type.name}`;
    case "ENUM":
      return `enum ${type.name}`;
    default:
      return type.name;
  }
}

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

  test("is too old says what else there is, and no backend is tried", async () => {
    vi.stubEnv("PATH", pathWithout("bpftrace", "echo bpftrace v0.11.3"));
    const { stdout, exitCode } = await doctor();
    expect(stdout).toMatch(
      /^tool\/bpftrace +missing +0\.11\.3\n +too old, 0\.17\.0 or later is needed/m,
    );
    expect(stdout).toMatch(
      /-> install bpftrace 0\.17 or later .*`bridgescope bench --kernel debian:bullseye`/,
    );
    expect(stdout).toMatch(/^backend\/fentry +warning +not known/m);
    expect(exitCode).toBe(4);
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
    // For longer than a test may take.
    vi.stubEnv("PATH", pathWithout("bpftrace", "exec sleep 600"));
    const [found] = await prerequisites("bench");
    expect(found).toMatchObject({ id: "tool/bpftrace", status: "missing" });
    expect(found?.observed).toContain("did not answer within 3 s");
  });
});
