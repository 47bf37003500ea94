import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { BridgeState } from "../../../src/bridge/state.ts";
import { type Explanation, explainSchema } from "../../../src/document/explain.ts";
import { explainedBy } from "../../../src/explain/explain.ts";
import { bridgescope, scratch, start } from "../bench/cli.ts";
import { type FloodLab, floodLab, macOf } from "./lab.ts";

let lab: FloodLab;
const folder = scratch();

beforeAll(async () => {
  lab = await floodLab();
  lab.shell("bridge link set dev pb learning off");
  lab.shell("ping -c 1 10.77.0.3", "a");
});
afterAll(async () => {
  await lab.leave();
  folder.remove();
});

function explain(...words: string[]) {
  return bridgescope(["explain", "br0", "--netns", lab.bridge.path, "--no-probes", ...words]);
}

function textOf(bundle: string): string {
  return readdirSync(bundle)
    .map((name) => readFileSync(join(bundle, name), "utf8"))
    .join("\n");
}

it("holds what a maintainer would ask for", async () => {
  const bundle = join(folder.path, "plain");
  const { code, stderr } = await explain("--bundle", bundle);
  expect(stderr).toBe(`bridgescope: wrote the bundle to ${bundle}\n`);
  expect(code).toBe(0);
  const read = (name: string) => readFileSync(join(bundle, name), "utf8");
  expect(read("fdb.txt")).toContain(macOf("c"));
  expect(read("links.txt")).toMatch(/br0: .*\n.*\n.*bridge forward_delay 200/);
  expect(read("ports.txt")).toMatch(/pb@.*\n.*learning off/);
  expect(read("sysctls.txt")).toContain("net/ipv4/conf/all/rp_filter = ");
  expect(read("README.txt")).toContain(`fdb.txt: nsenter --net=${lab.bridge.path} -- bridge`);
  expect(JSON.parse(read("explanation.json"))).toMatchObject({
    notes: [{ cause: "learning-off" }],
  });
  // A tool that is not there is told of in its place.
  expect(read("ebtables.txt")).not.toBe("");
  expect(statSync(bundle).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(bundle)) {
    expect(statSync(join(bundle, name)).mode & 0o777).toBe(0o600);
    if (name !== "README.txt") expect(read("README.txt")).toContain(`${name}: `);
  }
});

it("has the neighbours of those behind the ports", () => {
  const neighbours = readFileSync(join(folder.path, "plain", "peers-neighbours.txt"), "utf8");
  const entry = `10.77.0.3 dev eth0 lladdr ${macOf("c")} `;
  expect(neighbours.split("\n").filter((line) => line.includes(entry))).toHaveLength(1);
  expect(neighbours).toContain(`pid ${lab.hosts.a.pid} (sleep): ${entry}`);
});

it("names nobody when it is masked, and says of which kind each one was", async () => {
  const bundle = join(folder.path, "masked");
  const { code, stderr } = await explain("--bundle", bundle, "--mask");
  expect(code).toBe(0);
  expect(stderr).toContain("names and addresses in it are stand-ins");
  const text = textOf(bundle);
  expect(text).not.toMatch(/\bbr0\b|\bp[abc]\b|10\.77\.0|02:00:00:00:0b|eth0/);
  expect(text).not.toContain(lab.bridge.path);
  const read = (name: string) => readFileSync(join(bundle, name), "utf8");
  expect(JSON.parse(read("explanation.json")).notes[0].text).toMatch(
    /^port port2 \(netns3\) does not learn/,
  );
  expect(JSON.parse(read("fdb.json"))).toEqual(
    expect.arrayContaining([expect.objectContaining({ ifname: "port3", master: "bridge1" })]),
  );
  expect(read("README.txt")).toContain("fdb.json: nsenter --net=/run/netns/netns1 -- bridge -j");
});

it.each(["real", "masked"])("can be judged again from its %s files", async (how) => {
  const gone = "02:00:00:00:0b:0f";
  lab.shell(`ip neigh replace 10.77.0.99 lladdr ${gone} dev eth0 nud permanent`, "a");
  const bundle = join(folder.path, `again-${how}`);
  const running = start([
    ...["explain", "br0", "--netns", lab.bridge.path, "--duration", "2s", "--max-overhead", "100%"],
    ...["--json", "--bundle", bundle, ...(how === "masked" ? ["--mask"] : [])],
  ]);
  await running.saw("looking at frames");
  lab.got("c", { from: "a", to: gone, count: 100 });
  const { code, stdout } = await running.finished;
  expect(code).toBe(3);
  const read = (name: string) => JSON.parse(readFileSync(join(bundle, name), "utf8"));
  const told = explainSchema.parse(read("explanation.json"));
  // The entry that causes the flood is in the container that sends.
  const [finding] = told.findings;
  expect(finding).toMatchObject({ cause: "destination-gone" });
  const entry = `dev ${how === "masked" ? "device" : "eth0"}`;
  const lines = readFileSync(join(bundle, "peers-neighbours.txt"), "utf8").split("\n");
  expect(lines.filter((line) => line.includes(entry))).toEqual(
    expect.arrayContaining([
      expect.stringMatching(
        `^${finding?.ingressPort?.owner?.replace(/[()]/g, ".")}: .* lladdr ${finding?.destination} PERM`,
      ),
    ]),
  );
  const links = readFileSync(join(bundle, "peers-links.txt"), "utf8").split("\n");
  expect(links.filter((line) => line.endsWith(` behind ${finding?.ingressPort?.name}`))).toEqual([
    expect.stringMatching(`link ${finding?.source} inet `),
  ]);
  const { time, thresholds } = told;
  const [before, state]: BridgeState[] = [read("before.json"), read("state.json")];
  if (before === undefined || state === undefined) throw new Error("the bundle has no state");
  const looked = { before, state, collected: read("collected.json") };
  const again = { ...explainedBy(looked, thresholds), time };
  expect(JSON.parse(JSON.stringify(again))).toEqual(read("explanation.json"));
  const causes = ({ findings }: Explanation) => findings.map(({ cause }) => cause);
  expect(causes(again)).toEqual(causes(explainSchema.parse(JSON.parse(stdout))));
});

it("overwrites nothing", async () => {
  const bundle = join(folder.path, "plain");
  const before = textOf(bundle);
  const again = await explain("--bundle", bundle);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain("is not empty");
  expect(textOf(bundle)).toBe(before);
  const file = join(folder.path, "file");
  writeFileSync(file, "mine");
  const onFile = await explain("--bundle", file);
  expect(onFile.code).toBe(2);
  expect(readFileSync(file, "utf8")).toBe("mine");
});

it("has no mask without a bundle", async () => {
  const { code, stderr } = await explain("--mask");
  expect(code).toBe(2);
  expect(stderr).toContain("--bundle");
});
