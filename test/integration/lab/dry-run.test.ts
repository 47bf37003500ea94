import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { labCommand } from "../../../src/cli/lab.ts";
import { resolveTopology } from "../../../src/setup/file.ts";
import { type BuiltLab, buildLab } from "../../../src/setup/lab.ts";
import { labNames } from "../../../src/setup/lab-name.ts";
import { namespacesOf } from "../../../src/setup/plan.ts";
import { hostSite } from "../../../src/system/site.ts";
import { announce } from "../host-state.ts";
import { ip, labName, namespaces, shell, useOwnBooks } from "./machine.ts";

const books = useOwnBooks();

afterEach(() => vi.restoreAllMocks());

const YAML = `
network: 10.1.0.0/24
mtu: 9000
bridge: { ageing_time: 5s, mcast_snooping: 0 }
hosts:
  - { name: web, address: 10.1.0.10/24, port: { isolated: 1, hairpin: 1, cost: 7 } }
  - { name: db }
  - { name: quiet, address: null, port: { learning: 0, flood: 0, state: 4 } }
  - { name: off, port: { state: 0 } }
address: 10.1.0.1/24
fdb:
  - { address: "02:00:00:00:00:01", host: web }
`;

async function dryRun(topology: string, name: string): Promise<string[]> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await labCommand().parseAsync(["up", topology, "--name", name, "--dry-run"], { from: "user" });
  vi.restoreAllMocks();
  return text.trimEnd().split("\n");
}

/** Timers and counters go on by themselves; numbers of namespaces are the moment's. */
const MOVING = /timer|stats|^link_netnsid$|^link_netns$|time$|^hello$/;

function still(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(still);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !MOVING.test(key) || key === "ageing_time")
      .map(([key, part]) => [key, still(part)]),
  );
}

const SYSCTLS = "net.ipv6.conf net.bridge net.ipv4.neigh";

/** Everything a lab consists of, as ip and bridge show it. */
function snapshot(parts: ReadonlyMap<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    [...parts].map(([part, namespace]) => {
      const json = (tool: string, ...args: string[]) =>
        still(
          JSON.parse(
            execFileSync(tool, ["-n", namespace, "-d", "-j", ...args], { encoding: "utf8" }),
          ),
        );
      const fdb = json("bridge", "fdb", "show") as unknown[];
      return [
        part,
        {
          links: json("ip", "address"),
          routes: json("ip", "route"),
          fdb: fdb.map((entry) => JSON.stringify(entry)).sort(),
          rules: ip("netns", "exec", namespace, "nft", "list", "ruleset"),
          sysctls: ip("netns", "exec", namespace, "sysctl", ...SYSCTLS.split(" ")),
        },
      ];
    }),
  );
}

/** Operational states follow the carrier within a second (linkwatch), and the rest follows them. */
const SETTLED_MS = 1200;

async function settled(parts: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const links = () => [...parts.values()].map((one) => ip("-n", one, "-br", "link")).join("");
  let last = links();
  for (let since = Date.now(); Date.now() - since < SETTLED_MS; await sleep(50)) {
    const now = links();
    if (now !== last) since = Date.now();
    last = now;
  }
  return snapshot(parts);
}

test.each([
  "netns",
  "veth",
  "bridge:3,ageing_time=5s,nf_call=1,mtu=2000,priority=7",
  "bridge:2,fdb_entries=3,nft_rules=2",
  "file",
])("the commands for %s, pasted into a shell, make the same lab", async (topology) => {
  const name = labName();
  const file = path.join(books.home, "lab.yaml");
  writeFileSync(file, YAML);
  const text = topology === "file" ? file : topology;
  const commands = await dryRun(text, name);
  expect(namespaces(name).size).toBe(0);
  const id = new RegExp(`bs-${name}-([0-9a-f]{8})-`).exec(commands[0] ?? "")?.[1] ?? "";
  const names = labNames(name, id);
  const spec = resolveTopology(text);
  const parts = new Map(namespacesOf(spec).map((part) => [part, names.namespace(part)]));
  const remove = () => {
    for (const namespace of namespaces(name).keys()) ip("netns", "del", namespace);
  };
  let built: BuiltLab | undefined;
  announce(books.home, parts.values());
  try {
    expect(shell(`set -e\n${commands.join("\n")}`)).toMatchObject({ status: 0, stderr: "" });
    expect([...namespaces(name).keys()].sort()).toEqual([...parts.values()].sort());
    const pasted = await settled(parts);
    remove();
    built = await buildLab(spec, hostSite, names);
    await expect.poll(() => snapshot(parts), { timeout: 10_000 }).toEqual(pasted);
  } finally {
    await built?.close();
    remove();
  }
});
