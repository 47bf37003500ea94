import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bridgescope, MAIN, scratch } from "../bench/cli.ts";
import { cacheFiles } from "./cache-files.ts";

let folder: ReturnType<typeof scratch>;
beforeEach(() => {
  folder = scratch();
});
afterEach(() => folder.remove());

/** Runs the command with a cache of its own, and says what lies in that afterwards, locks aside. */
async function kernels(...args: string[]) {
  const result = await bridgescope(["kernels", ...args], { XDG_CACHE_HOME: folder.path });
  expect(result.stderr).not.toMatch(/^\s+at /m);
  return { ...result, cached: cacheFiles(folder.path) };
}

it("a mirror that nobody serves is named, and nothing stays in the cache", async () => {
  const mirror = await servedBy(() => "");
  await mirror.close();
  const result = await kernels("pull", "debian:bookworm", "--mirror", mirror.url);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain(`the mirror ${mirror.url} gave nothing usable`);
  expect(result.cached).toEqual([]);
});

it("a mirror that serves garbage is named, and nothing stays in the cache", async () => {
  const mirror = await servedBy(() => "garbage");
  try {
    const result = await kernels("pull", "debian:bookworm", "--mirror", mirror.url);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`the mirror ${mirror.url} gave nothing usable`);
    expect(result.cached).toEqual([]);
  } finally {
    await mirror.close();
  }
});

it("what is no bzImage is said before anything is made for it", async () => {
  const file = join(folder.path, "vmlinuz");
  writeFileSync(file, Buffer.alloc(100_000, 7));
  const result = await kernels("run", file, "--", "true");
  expect(result.code).toBe(2);
  expect(result.stderr).toContain(`${file} must be an x86-64 bzImage`);
  expect(result.cached).toEqual(["vmlinuz"]);
});

it("without qemu the package is named before anything is fetched", async () => {
  const bin = join(folder.path, "bin");
  mkdirSync(bin);
  // qemu lies in none of the folders for root's own tools, which are searched besides.
  for (const tool of ["setpriv", "env"]) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
  const out = join(folder.path, "out");
  const commands = [
    ["bench", "--kernel", "debian:bookworm", "--out", out],
    ["kernels", "run", "debian:bookworm", "--", "true"],
  ];
  for (const command of commands) {
    const env = { XDG_CACHE_HOME: join(folder.path, "cache"), PATH: bin };
    const result = await bridgescope(command, env);
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(/qemu-system-x86_64 is not installed.*apt-get install qemu/);
    expect(readdirSync(folder.path).sort()).not.toContain("cache");
  }
});

it("a disk without room is named with what is needed, and nothing stays on it", async () => {
  const script =
    'mount -t tmpfs -o size=50m none "$1" && exec "$2" "$3" kernels pull debian:bookworm';
  const ended = spawnSync(
    "unshare",
    ["--mount", "sh", "-c", script, "sh", folder.path, process.execPath, MAIN],
    { encoding: "utf8", env: { ...process.env, XDG_CACHE_HOME: folder.path } },
  );
  expect(ended.status).toBe(4);
  expect(ended.stderr).toMatch(/takes \d+ MB for a while, and .* has \d+ MB: make room/);
});

/** A web server on this host's loopback that answers all requests alike. */
async function servedBy(answer: () => string) {
  const server = createServer((_, response) => response.end(answer()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
