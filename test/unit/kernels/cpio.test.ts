import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cpio, type Entry, entriesUnder, writeCpio } from "../../../src/kernels/cpio.ts";

const folder = mkdtempSync(join(tmpdir(), "bridgescope-cpio-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ENTRIES: Entry[] = [
  { path: "dev", kind: "folder" },
  { path: "dev/null", kind: "device", mode: 0o666, major: 1, minor: 3 },
  { path: "run", kind: "file", mode: 0o755, data: Buffer.from("hello") },
  { path: "sh", kind: "link", target: "dash" },
];

async function* entries(): AsyncGenerator<Entry> {
  yield* ENTRIES;
}

/** By the kernel's buffer-format.rst: ino, mode, uid, gid, nlink, mtime, size, maj, min, rmaj, rmin, namesize, chksum. */
const header = (fields: string) =>
  `070701${fields
    .split(" ")
    .map((field) => field.padStart(8, "0"))
    .join("")}`;

test("an archive is what the kernel's documentation says, to the byte", async () => {
  expect((await cpio(entries())).toString("latin1")).toBe(
    [
      header("1 41ed 0 0 1 0 0 0 0 0 0 4 0"),
      "dev\0\0\0",
      header("2 21b6 0 0 1 0 0 0 0 1 3 9 0"),
      "dev/null\0\0",
      header("3 81ed 0 0 1 0 5 0 0 0 0 4 0"),
      "run\0\0\0",
      "hello\0\0\0",
      header("4 a1ff 0 0 1 0 4 0 0 0 0 3 0"),
      "sh\0\0\0\0",
      "dash",
      header("0 0 0 0 1 0 0 0 0 0 0 b 0"),
      "TRAILER!!!\0\0\0\0",
    ].join(""),
  );
});

test("a file of it is the same, and takes no other's place", async () => {
  const file = join(folder, "archive");
  await writeCpio(file, entries());
  expect(readFileSync(file)).toEqual(await cpio(entries()));
  await expect(writeCpio(file, entries())).rejects.toThrow(/EEXIST/);
});

test("one that is interrupted says why", async () => {
  const reason = new Error("Ctrl-C");
  const archive = writeCpio(join(folder, "half"), entries(), AbortSignal.abort(reason));
  await expect(archive).rejects.toBe(reason);
});

test("a folder's entries come in one order, under the names they are given", async () => {
  const tree = mkdtempSync(join(folder, "tree-"));
  for (const name of ["b", "a", "left-out"]) {
    writeFileSync(join(tree, name), name);
    chmodSync(join(tree, name), 0o640);
  }
  symlinkSync("a", join(tree, "c"));
  const found: Entry[] = [];
  const place = (relative: string) => (relative === "left-out" ? null : `usr/${relative}`);
  for await (const entry of entriesUnder(tree, place)) found.push(entry);
  expect(found).toEqual([
    { path: "usr/a", kind: "file", mode: 0o640, data: Buffer.from("a") },
    { path: "usr/b", kind: "file", mode: 0o640, data: Buffer.from("b") },
    { path: "usr/c", kind: "link", target: "a" },
  ]);
});
