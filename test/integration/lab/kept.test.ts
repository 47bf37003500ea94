import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { execInLab } from "../../../src/setup/exec.ts";
import { keepLab } from "../../../src/setup/keep.ts";
import { dropLab, openKeptLab } from "../../../src/setup/kept.ts";
import { listLabs } from "../../../src/setup/listing.ts";
import { parseState } from "../../../src/setup/state.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { hostState } from "../host-state.ts";
import { ip, labName, namespaces, useOwnBooks } from "./machine.ts";

const books = useOwnBooks();

async function keep(topology: string, name: string) {
  const lab = await keepLab(parseTopology(topology), name);
  await lab.close();
  return lab;
}

describe("a kept lab", () => {
  test.each([
    ["netns", ["h1"]],
    ["veth", ["sw", "A", "B"]],
    ["bridge:3", ["sw", "h1", "h2", "h3"]],
  ])("%s is there for ip netns list, and gone after down", async (topology, parts) => {
    const name = labName();
    const { links } = hostState();
    const { id } = await keep(topology, name);
    const expected = parts.map((part) => `bs-${name}-${id}-${part}`).sort();
    expect([...namespaces(name).keys()].sort()).toEqual(expected);
    for (const namespace of expected) expect(ip("netns", "list")).toContain(namespace);
    expect(listLabs()).toMatchObject([{ name, id, topology, state: "kept" }]);
    expect(hostState().links).toEqual(links);

    const removal = await dropLab(name);
    expect(removal.removed.sort()).toEqual(expected);
    expect(removal.left).toEqual([]);
    expect(namespaces(name).size).toBe(0);
    expect(listLabs()).toEqual([]);
    expect(existsSync(path.join(books.labs, `${name}.json`))).toBe(false);
  });

  test("is in the books with its owner and inodes, for this user's eyes only", async () => {
    const name = labName();
    const { id } = await keep("bridge:2", name);
    const file = path.join(books.labs, `${name}.json`);
    const state = parseState(readFileSync(file, "utf8"), name, file);
    expect(state).toMatchObject({ id, name, phase: "kept", owner: { pid: process.pid } });
    const recorded = state.namespaces.map(({ name: namespace, inode }) => [namespace, inode]);
    expect(new Map(recorded as [string, number][])).toEqual(namespaces(name));
    expect(lstatSync(file).mode & 0o777).toBe(0o600);
    expect(lstatSync(books.labs).mode & 0o777).toBe(0o700);
  });

  test("carries its mark on every lo, on the bridge and on its ports", async () => {
    const name = labName();
    const { id } = await keep("bridge:2", name);
    const alias = `bridgescope:${id}`;
    for (const namespace of namespaces(name).keys()) {
      const links = JSON.parse(ip("-n", namespace, "-j", "link")) as Record<string, string>[];
      const marked = links.filter((link) => link.ifalias === alias).map((link) => link.ifname);
      const devices = namespace.endsWith("-sw") ? ["br0", "lo", "p1", "p2"] : ["eth0", "lo"];
      expect(marked.sort()).toEqual(devices);
    }
  });

  test("has IPv6 off in every namespace, however many there are", async () => {
    const name = labName();
    await keep("bridge:130", name);
    const read = "cat /proc/sys/net/ipv6/conf/*/disable_ipv6 | sort -u";
    for (const namespace of namespaces(name).keys()) {
      const values = ip("netns", "exec", namespace, "sh", "-c", read).trim();
      expect({ namespace, values }).toEqual({ namespace, values: "1" });
    }
  });

  test("opens again, and its hosts reach each other", async () => {
    const name = labName();
    await keep("bridge:2", name);
    const lab = openKeptLab(name);
    expect(lab.hosts.map((host) => host.ifindex)).not.toContain(0);
    expect(lab.bridge?.ifindex).toBeGreaterThan(0);
    await lab.close();
    const ping = ["sh", "-c", "ping -q -n -c 1 -W 2 198.18.0.2 >/dev/null"];
    expect(await execInLab(name, "h1", ping)).toBe(0);
  });

  test("passes a command's exit status and signal on", async () => {
    const name = labName();
    await keep("bridge:2", name);
    expect(await execInLab(name, "h1", ["sh", "-c", "exit 7"])).toBe(7);
    expect(await execInLab(name, "sw", ["sh", "-c", "test -d /sys/class/net/br0"])).toBe(0);
    expect(await execInLab(name, "h2", ["sh", "-c", "kill -TERM $$"])).toBe(128 + 15);
    await expect(execInLab(name, "h3", ["true"])).rejects.toThrow(
      /has no host "h3"; it has sw, h1/,
    );
  });

  test("goes without its processes, which are named", async () => {
    const name = labName();
    const { id } = await keep("netns", name);
    const namespace = `bs-${name}-${id}-h1`;
    const child = spawn("ip", ["netns", "exec", namespace, "sh", "-c", "echo in; exec sleep 60"]);
    await once(child.stdout, "data");
    const removal = await dropLab(name);
    expect(removal.held).toEqual([
      { namespace, processes: [{ pid: child.pid, command: expect.any(String) }] },
    ]);
    expect(child.exitCode).toBeNull();
    child.kill("SIGKILL");
    await once(child, "exit");
  });
});

describe("names", () => {
  test("taken by another lab", async () => {
    const name = labName();
    await keep("netns", name);
    const before = namespaces(name);
    await expect(keep("bridge:2", name)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`"${name}" already`),
    });
    expect(namespaces(name)).toEqual(before);
  });

  test("wanted by two at the same time go to one", async () => {
    const name = labName();
    const results = await Promise.allSettled([keep("netns", name), keep("veth", name)]);
    expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(listLabs()).toHaveLength(1);
  });

  test("of two labs built at once never meet", async () => {
    const [a, b] = [labName(), labName()];
    await Promise.all([keep("bridge:20", a), keep("bridge:20", b)]);
    expect([namespaces(a).size, namespaces(b).size]).toEqual([21, 21]);
    const kept = namespaces(b);
    await dropLab(a);
    expect(namespaces(a).size).toBe(0);
    expect(namespaces(b)).toEqual(kept);
  });

  test.each(["Web", "1a", "a_b", "", "a/../b", "a".repeat(33), "-a"])(
    "%j is none",
    async (name) => {
      await expect(keep("netns", name)).rejects.toMatchObject({ exitCode: 2 });
      expect(existsSync(books.labs)).toBe(false);
    },
  );

  test("unknown ones are answered with the known", async () => {
    const name = labName();
    await expect(dropLab("nope")).rejects.toThrow(/there are none/);
    await keep("netns", name);
    await expect(dropLab("nope")).rejects.toThrow(`known are ${name}`);
    await expect(dropLab("../nope")).rejects.toMatchObject({ exitCode: 2 });
    expect(() => openKeptLab("nope")).toThrow(/unknown lab/);
  });
});

describe("a build that does not come to its end leaves nothing", () => {
  test("when it is interrupted", async () => {
    const name = labName();
    const controller = new AbortController();
    const reason = new Error("enough");
    const built = keepLab(parseTopology("bridge:100"), name, {
      signal: controller.signal,
      progress: () => controller.abort(reason),
    });
    await expect(built).rejects.toBe(reason);
    expect(namespaces(name).size).toBe(0);
    expect(listLabs()).toEqual([]);
  });

  test("when ip refuses a step", async () => {
    const name = labName();
    const spec = parseTopology("bridge:4");
    for (const host of spec.hosts) host.port = { cost: "99999" };
    await expect(keepLab(spec, name)).rejects.toThrow(/cost/);
    expect(namespaces(name).size).toBe(0);
    expect(listLabs()).toEqual([]);
  });

  test("when the kernel refuses a step, which it says why", async () => {
    const name = labName();
    const small = { ...parseTopology("bridge:4"), mtu: 1 };
    await expect(keepLab(small, name)).rejects.toThrow(
      /`ip -n \S+-sw link add name br0 .*mtu 1 .*` asks \(EINVAL: mtu less than device minimum\)/,
    );
    // One of many that are sent together.
    const spec = parseTopology("bridge:4");
    const third = spec.hosts[2];
    if (third !== undefined) third.device = "no/slash";
    await expect(keepLab(spec, name)).rejects.toThrow(/`ip -n \S+-sw link add name p3 .*\(EINVAL/);
    expect(namespaces(name).size).toBe(0);
    expect(listLabs()).toEqual([]);
  });

  test("when there is no ip for what it is asked", async () => {
    const name = labName();
    vi.stubEnv("PATH", "/nonexistent");
    await expect(keep("bridge:2,priority=7", name)).rejects.toMatchObject({ exitCode: 4 });
    expect(listLabs()).toEqual([]);
  });
});

describe("what is not the lab's stays", () => {
  test("a namespace that took a name over", async () => {
    const name = labName();
    const { id } = await keep("veth", name);
    const taken = `bs-${name}-${id}-A`;
    ip("netns", "del", taken);
    ip("netns", "add", taken);
    const inode = namespaces(taken).get(taken);
    try {
      expect(listLabs()).toMatchObject([{ name, state: expect.stringMatching(/kept|incomplete/) }]);
      expect(() => openKeptLab(name)).toThrow(/not whole any more/);
      const removal = await dropLab(name);
      expect(removal.left).toMatchObject([{ namespace: taken, ours: false }]);
      expect(removal.removed).toHaveLength(2);
      expect(namespaces(taken).get(taken)).toBe(inode);
    } finally {
      ip("netns", "del", taken);
    }
  });

  test("a namespace whose mark somebody took off", async () => {
    const name = labName();
    const { id } = await keep("netns", name);
    const namespace = `bs-${name}-${id}-h1`;
    ip("-n", namespace, "link", "set", "dev", "lo", "alias", "mine now");
    try {
      const removal = await dropLab(name);
      expect(removal.left).toMatchObject([
        { namespace, reason: expect.stringContaining(`bridgescope:${id}`) },
      ]);
      expect(namespaces(name).has(namespace)).toBe(true);
    } finally {
      ip("netns", "del", namespace);
    }
  });
});
