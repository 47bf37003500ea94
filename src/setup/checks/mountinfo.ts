export interface Mount {
  /** Path within the file system that is mounted; `net:[inode]` for a network namespace. */
  root: string;
  mountPoint: string;
  type: string;
}

/** Reads /proc/PID/mountinfo: proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [, , , root, mountPoint] = before.split(" ");
      const [type] = after.split(" ");
      if (root === undefined || mountPoint === undefined || type === undefined) return [];
      return [{ root: unescaped(root), mountPoint: unescaped(mountPoint), type }];
    });
}

/** The kernel writes blanks and backslashes in octal (mangle). */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}
