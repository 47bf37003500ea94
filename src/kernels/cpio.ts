import { createHash } from "node:crypto";
import { createReadStream, type WriteStream } from "node:fs";
import { lstat, open, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";

/** One thing in an archive. Everything belongs to root and has no time, so that equal contents give equal bytes. */
export type Entry =
  | { path: string; kind: "folder"; mode?: number }
  | { path: string; kind: "file"; mode?: number; data: Buffer | { host: string; bytes: number } }
  | { path: string; kind: "link"; target: string }
  | { path: string; kind: "device"; mode?: number; major: number; minor: number };

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;

const LARGE = 1 << 20;

/** A whole archive in memory, in the format "newc" that the kernel unpacks; see its buffer-format.rst. */
export function cpio(entries: Iterable<Entry>): Buffer {
  const parts: Buffer[] = [];
  let ino = 1;
  for (const entry of entries) {
    const data = contents(entry);
    if (!Buffer.isBuffer(data)) throw new Error(`${entry.path} has to be read first`);
    parts.push(header(entry, ino++, data.length), data, padding(data.length));
  }
  parts.push(trailer());
  return Buffer.concat(parts);
}

/** Writes an archive of any size; its bytes and their checksum. */
export async function writeCpio(
  file: string,
  entries: AsyncIterable<Entry>,
  signal?: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  const handle = await open(file, "wx");
  let bytes = 0;
  const stream: WriteStream = handle.createWriteStream({ highWaterMark: 4 * LARGE });
  let failure: Error | undefined;
  stream.once("error", (error) => {
    failure = error;
  });
  const write = async (data: Buffer) => {
    if (failure !== undefined) throw failure;
    hash.update(data);
    bytes += data.length;
    if (!stream.write(data)) await drained(stream);
  };
  try {
    let ino = 1;
    for await (const entry of entries) {
      signal?.throwIfAborted();
      const data = contents(entry);
      if (Buffer.isBuffer(data)) {
        await write(Buffer.concat([header(entry, ino++, data.length), data, padding(data.length)]));
        continue;
      }
      await write(header(entry, ino++, data.bytes));
      let seen = 0;
      for await (const chunk of createReadStream(data.host, { highWaterMark: LARGE })) {
        seen += (chunk as Buffer).length;
        await write(chunk as Buffer);
      }
      if (seen !== data.bytes) throw new Error(`${data.host} changed while it was read`);
      await write(padding(seen));
    }
    await write(trailer());
    await ended(stream);
    if (failure !== undefined) throw failure;
  } finally {
    stream.destroy();
  }
  return { bytes, sha256: hash.digest("hex") };
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
      const data = stat.size < LARGE ? await readFile(host) : { host, bytes: stat.size };
      yield { path: target, kind: "file", mode, data };
    }
  }
}

function contents(entry: Entry): Buffer | { host: string; bytes: number } {
  if (entry.kind === "file") return entry.data;
  return entry.kind === "link" ? Buffer.from(entry.target) : Buffer.alloc(0);
}

function modeOf(entry: Entry): number {
  switch (entry.kind) {
    case "folder":
      return S_IFDIR | (entry.mode ?? 0o755);
    case "file":
      return S_IFREG | (entry.mode ?? 0o644);
    case "link":
      return S_IFLNK | 0o777;
    case "device":
      return S_IFCHR | (entry.mode ?? 0o600);
  }
}

function header(entry: Entry, ino: number, size: number): Buffer {
  const device = entry.kind === "device" ? [entry.major, entry.minor] : [0, 0];
  return record(entry.path, [ino, modeOf(entry), 0, 0, 1, 0, size, 0, 0, ...device]);
}

function trailer(): Buffer {
  return record("TRAILER!!!", [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
}

/** Magic, thirteen numbers of eight hexadecimal digits, the name with its NUL, filled up to four bytes. */
function record(name: string, fields: readonly number[]): Buffer {
  const path = Buffer.from(name);
  const numbers = [...fields, path.length + 1, 0];
  const text = numbers.map((field) => field.toString(16).padStart(8, "0")).join("");
  const head = Buffer.concat([Buffer.from(`070701${text}`), path, Buffer.alloc(1)]);
  return Buffer.concat([head, padding(head.length)]);
}

/** What fills `length` bytes up to the next four. */
function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}

function drained(stream: WriteStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      stream.off("drain", settle);
      stream.off("error", settle);
      if (error instanceof Error) reject(error);
      else resolve();
    };
    stream.once("drain", settle);
    stream.once("error", settle);
  });
}

function ended(stream: WriteStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    stream.end(() => resolve());
  });
}
