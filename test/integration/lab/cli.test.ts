import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CommanderError } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { labCommand } from "../../../src/cli/lab.ts";
import { BridgescopeError } from "../../../src/system/errors.ts";
import { type Compiled, compileSources } from "../../compiled.ts";
import { ip, labName, namespaces, shell, useOwnBooks } from "./machine.ts";

const books = useOwnBooks();

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What `bridgescope lab …` prints, and the exit status that its errors carry. */
async function lab(...args: string[]) {
  let stdout = "";
  let stderr = "";
  const write = (add: (text: string) => void) => (chunk: unknown) => {
    add(String(chunk));
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(
    write((text) => {
      stdout += text;
    }),
  );
  vi.spyOn(process.stderr, "write").mockImplementation(
    write((text) => {
      stderr += text;
    }),
  );
  process.exitCode = undefined;
  let status = 0;
  try {
    const command = labCommand();
    for (const each of [command, ...command.commands]) each.exitOverride();
    await command.parseAsync(args, { from: "user" });
    status = Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) status = 2;
    else if (error instanceof BridgescopeError) {
      status = error.exitCode;
      stderr += error.message;
    } else throw error;
  } finally {
    process.exitCode = undefined;
    vi.restoreAllMocks();
  }
  return { status, stdout, stderr };
}

describe("lab", () => {
  test("up, ls, show, exec, down", async () => {
    const name = labName();
    const up = await lab("up", "bridge:2", "--name", name, "--network", "192.168.1.0/24");
    expect(up.status).toBe(0);
    expect(up.stdout).toContain(`${name}: bridge:2, 2 hosts, br0 in bs-${name}-`);
    expect(up.stderr).toContain(`building ${name}`);

    const ping = "ping -q -n -c 1 -W 2 192.168.1.2 >/dev/null";
    expect((await lab("exec", name, "h1", "--", "sh", "-c", ping)).status).toBe(0);
    expect((await lab("exec", name, "sw", "--", "sh", "-c", "exit 3")).status).toBe(3);
    expect((await lab("exec", name, "h1", "--", "nonesuch-command")).status).toBe(127);

    expect((await lab("ls")).stdout).toMatch(new RegExp(`${name} +kept +bridge:2 +2 `));
    const shown = (await lab("show", name)).stdout;
    expect(shown).toMatch(
      /h2 +bs-\S+-h2 +eth0 +02:\S+ +192\.168\.1\.2\/24 +p2 +forwarding +learning/,
    );
    expect(shown).toMatch(/02:\S+ +p1 +h1 +- +learned/);

    const { lab: parsed } = { lab: JSON.parse((await lab("show", name, "--json")).stdout) };
    expect(parsed).toMatchObject({
      schema: "bridgescope.lab.show/1",
      name,
      bridge: { device: "br0", options: { stp_state: 0 } },
      hosts: [
        { host: "h1", addresses: ["192.168.1.1/24"], port: { name: "p1", state: "forwarding" } },
        { host: "h2", addresses: ["192.168.1.2/24"], port: { flags: { learning: true } } },
      ],
    });
    const down = await lab("down", name);
    expect(down).toMatchObject({ status: 0, stdout: `removed ${name} (3 namespaces)\n` });
    expect(namespaces(name).size).toBe(0);
    expect((await lab("ls")).stdout).toBe("no labs\n");
  });

  test("speaks JSON everywhere", async () => {
    const name = labName();
    const document = async (...args: string[]) =>
      JSON.parse((await lab(...args, "--json")).stdout) as Record<string, unknown>;
    expect(await document("up", "veth", "--name", name)).toMatchObject({
      schema: "bridgescope.lab.up/1",
      name,
      bridge: null,
      hosts: [{ host: "A", address: "198.18.0.1/15", port: null }, { host: "B" }],
    });
    expect(await document("ls")).toMatchObject({ labs: [{ name, state: "kept" }] });
    expect(await document("gc")).toMatchObject({ labs: [{ lab: name, outcome: "left" }] });
    expect(await document("down", "--all")).toMatchObject({ labs: [{ name, left: [], held: [] }] });
  });

  test("names a lab after its topology", async () => {
    const plan = async (...args: string[]) =>
      JSON.parse((await lab("up", ...args, "--dry-run", "--json")).stdout).name as string;
    expect(await plan("netns")).toBe("netns");
    expect(await plan("bridge:8,stp_state=0")).toBe("bridge-8");
    const file = path.join(books.home, "Shop.yaml");
    writeFileSync(file, "hosts: [{ name: a }, { name: b }]\n");
    expect(await lab("up", file, "--dry-run")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--name"),
    });
    expect(await plan(file, "--name", "shop")).toBe("shop");
  });

  test.each([
    [["up", "brigde:4"], /unknown topology "brigde:4"; known are netns, veth, bridge:N/],
    [["up", "bridge:1"], /out of range/],
    [["up", "bridge:1024"], /at most 1023 ports/],
    [["up", "bridge:2,speed=1"], /unknown topology option "speed"; known are mtu, nf_call, ipv6/],
    [["up", "netns", "--name", "No"], /1 to 32 of a-z/],
    [["up", "none.yaml"], /no such file/],
    [["up", "veth", "--network", "10.0.0.0/31"], /expected an IPv4 network/],
    [["up", "veth", "--colour"], /unknown option/],
    [["show", "nope"], /unknown lab "nope"; there are none/],
    [["exec", "nope", "h1", "--", "true"], /unknown lab/],
    [["down", "nope"], /unknown lab/],
    [["down", "\u001b[31m"], /unknown lab "\\x1b\[31m"/],
    [["down"], /expects names of labs, or --all/],
  ])("%j is exit 2 and a sentence", async (args, sentence) => {
    const { status, stdout, stderr } = await lab(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
  });

  test("an unknown lab among several leaves the others", async () => {
    const name = labName();
    await lab("up", "netns", "--name", name);
    expect((await lab("down", name, "nope")).status).toBe(2);
    expect(namespaces(name).size).toBe(1);
  });

  test("a book that cannot be read is exit 1 for gc, and named by ls", async () => {
    mkdirSync(books.labs, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(books.labs, "web.json"), "{");
    expect(await lab("gc")).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/failed web: .*not JSON.*nothing was touched/),
    });
    expect((await lab("ls")).stdout).toMatch(/web +unreadable +.*not JSON/);
  });
});

describe("the largest and the smallest", () => {
  test("bridge:1023 goes up and down", async () => {
    const name = labName();
    expect((await lab("up", "bridge:1023", "--name", name)).status).toBe(0);
    expect(namespaces(name).size).toBe(1024);
    const inside = [...namespaces(`${name}-`).keys()].find((each) => each.endsWith("-sw")) ?? "";
    const links = JSON.parse(ip("-n", inside, "-j", "link", "show", "master", "br0")) as unknown[];
    expect(links).toHaveLength(1023);
    expect((await lab("down", name)).status).toBe(0);
    expect(namespaces(name).size).toBe(0);
  });
});

describe("without privileges", () => {
  let compiled: Compiled;
  beforeAll(() => {
    compiled = compileSources();
  });
  afterAll(() => compiled.remove());

  test("a lab is exit 4 and names what is missing, and the list works", () => {
    const script = compiled.script(
      "lab.mjs",
      `import { labCommand } from "./src/cli/lab.js";
       try { await labCommand().parseAsync(process.argv.slice(2), { from: "user" }); }
       catch (error) { process.stderr.write(error.message); process.exitCode = error.exitCode; }`,
    );
    const run = (...args: string[]) =>
      shell(
        `exec setpriv --bounding-set -net_admin ${process.execPath} ${script} ${args.join(" ")}`,
      );
    expect(run("up", "netns")).toMatchObject({
      status: 4,
      stderr: expect.stringMatching(/takes CAP_NET_ADMIN.*sudo/),
    });
    expect(run("gc").status).toBe(4);
    expect(run("ls")).toMatchObject({ status: 0, stdout: "no labs\n" });
    expect(run("up", "netns", "--dry-run").status).toBe(0);
  });
});
