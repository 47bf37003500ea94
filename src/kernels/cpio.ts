import { createWriteStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

/** One thing in an archive. Everything belongs to root and has no time, so that equal contents give equal bytes. */
export type Entry =
  | { path: string; kind: "folder"; mode?: number }
  | { path: string; kind: "file"; mode?: number; data: Buffer }
  | { path: string; kind: "link"; target: string }
  | { path: string; kind: "device"; mode?: number; major: number; minor: number };

type Entries = AsyncIterable<Entry>;

/** A whole archive in memory, in the format "newc" that the kernel unpacks; see its buffer-format.rst. */
export function cpio(entries: Entries): Promise<Buffer> {
  return buffer(pieces(entries));
}

/** The same in a file: of any size, with no more than one of its files in memory. */
export function writeCpio(file: string, entries: Entries, signal?: AbortSignal): Promise<void> {
  return pipeline(pieces(entries, signal), createWriteStream(file, { flags: "wx" }));
}

/** The entries of a host folder, in one order everywhere; `place` gives a path in the archive, null leaves it out. */
export async function* entriesUnder(
  folder: string,
  place: (relative: string) => string | null,
  below = "",
): AsyncGenerator<Entry> {
  const names = await readdir(path.join(folder, below));
  for (const name of names.sort()) {
    const relative = below === "" ? name : `${below}/${name}`;
    const target = place(relative);
    if (target === null) continue;
    const host = path.join(folder, relative);
    const stat = await lstat(host);
    const mode = stat.mode & 0o7777;
    if (stat.isDirectory()) {
      yield { path: target, kind: "folder", mode };
      yield* entriesUnder(folder, place, relative);
    } else if (stat.isSymbolicLink()) {
      yield { path: target, kind: "link", target: await readlink(host) };
    } else if (stat.isFile()) {
      yield { path: target, kind: "file", mode, data: await readFile(host) };
    }
  }
}

async function* pieces(entries: Entries, signal?: AbortSignal): AsyncGenerator<Buffer> {
  let ino = 1;
  for await (const entry of entries) {
    signal?.throwIfAborted();
    const data = contents(entry);
    const [major, minor] = entry.kind === "device" ? [entry.major, entry.minor] : [0, 0];
    yield header(entry.path, [ino++, modeOf(entry), 0, 0, 1, 0, data.length, 0, 0, major, minor]);
    yield data;
    yield padding(data.length);
  }
  yield header("TRAILER!!!", [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
}

function contents(entry: Entry): Buffer {
  if (entry.kind === "file") return entry.data;
  return Buffer.from(entry.kind === "link" ? entry.target : "");
}

function modeOf(entry: Entry): number {
  switch (entry.kind) {
    case "folder":
      return 0o040000 | (entry.mode ?? 0o755);
    case "file":
      return 0o100000 | (entry.mode ?? 0o644);
    case "link":
      return 0o120777;
    case "device":
      return 0o020000 | (entry.mode ?? 0o600);
  }
}

/** Magic, thirteen numbers of eight hexadecimal digits, the name with its NUL, filled up to four bytes. */
function header(path: string, fields: readonly number[]): Buffer {
  const name = Buffer.from(`${path}\0`);
  const numbers = [...fields, name.length, 0];
  const text = numbers.map((field) => field.toString(16).padStart(8, "0")).join("");
  const head = Buffer.concat([Buffer.from(`070701${text}`), name]);
  return Buffer.concat([head, padding(head.length)]);
}

/** What fills `length` bytes up to the next four. */
function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
