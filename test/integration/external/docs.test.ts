import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MAIN, scratch } from "../bench/cli.ts";
import { uniqueName } from "../host-state.ts";
import { type Machine, newMachine, run } from "./machine.ts";

const DOCS = readFileSync(new URL("../../../docs/external.md", import.meta.url), "utf8");
const [script = ""] = [...DOCS.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text);
const commands = [...DOCS.matchAll(/^bridgescope bench .*$/gm)].map(([line]) => line);

let machine: Machine;
let folder: ReturnType<typeof scratch>;
beforeEach(() => {
  machine = newMachine();
  folder = scratch();
});
afterEach(() => {
  machine.close();
  folder.remove();
});

/** A line of the documentation, as a person would type it in a folder with connect.sh. */
function typed(line: string) {
  const words = ["sh", "-c", `bridgescope() { ${process.execPath} ${MAIN} "$@"; }; ${line}`];
  const [file = "", ...args] = [...machine.enter, ...words];
  return spawnSync(file, args, { cwd: folder.path, encoding: "utf8", timeout: 60_000 });
}

it("the example of a set-up command connects, is measured and is taken back", async () => {
  const path = join(folder.path, "connect.sh");
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  const line = commands.find((text) => text.includes("--topology external"));
  const { status, stdout, stderr } = typed(line ?? "");
  expect(stderr).not.toContain("bridgescope:");
  expect(stdout).toMatch(/external\/forward +ns_per_frame/);
  expect(stdout).toMatch(/external\/udp-rr +rtt_p50/);
  expect(status).toBe(0);
  expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
});

it("the example of two namespaces that exist is measured", () => {
  const name = uniqueName();
  const path = join(folder.path, "connect.sh");
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  const [red, blue] = [`${name}r`, `${name}b`];
  try {
    for (const one of [red, blue]) run(["ip", "netns", "add", one]);
    run([...machine.enter, path, "add", "demo0", `/run/netns/${red}`, `/run/netns/${blue}`]);
    const line = commands.find((text) => text.includes("attach:/run/netns/red,"));
    const ours = line?.replace("/red,", `/${red},`).replace("/blue ", `/${blue} `) ?? "";
    const { status, stdout } = typed(`${ours} --rounds 1`);
    expect(stdout).toMatch(/\/forward\s+ns_per_frame/);
    expect(status).toBe(0);
  } finally {
    for (const one of [red, blue]) run(["ip", "netns", "delete", one]);
  }
});
