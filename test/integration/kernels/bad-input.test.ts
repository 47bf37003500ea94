import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bridgescope, scratch } from "../bench/cli.ts";

let folder: ReturnType<typeof scratch>;
beforeEach(() => {
  folder = scratch();
});
afterEach(() => folder.remove());

/** Runs the command with a cache of its own, and says what lies in that afterwards, locks aside. */
async function kernels(...args: string[]) {
  const result = await bridgescope(["kernels", ...args], { XDG_CACHE_HOME: folder.path });
  const entries = readdirSync(folder.path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.endsWith("/locks"));
  expect(result.stderr).not.toMatch(/^\s+at /m);
  return { ...result, cached: files.map(({ name }) => name) };
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
