import { existsSync, statSync } from "node:fs";
import { UsageError } from "../system/errors.ts";
import { SystemCallError } from "../system/libc.ts";
import { closeNamespace, inNamespace, type NetworkNamespace, openPath } from "../system/netns.ts";
import { hostSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { containerPid } from "./containers.ts";

/** Opens a namespace by a path, a PID, a name of `ip netns`, or a container's name or id; in this order. */
export async function findNamespace(
  text: string,
  name: string,
  signal?: AbortSignal,
): Promise<NetworkNamespace> {
  if (text.includes("/")) return opened(text, text, name);
  const process = `/proc/${text}`;
  if (/^\d+$/.test(text) && existsSync(process)) return opened(`${process}/ns/net`, text, name);
  const named = `${hostSite.netnsFolder}/${text}`;
  if (!/^\.{1,2}$/.test(text) && existsSync(named)) return opened(named, text, name);
  const { pid, tried } = await containerPid(text, signal);
  if (pid !== null) return opened(`/proc/${pid}/ns/net`, text, name);
  const looked = [
    ...(/^\d+$/.test(text) ? [`a process ${text}`] : []),
    named,
    ...(tried.length === 0 ? ["a container (no docker, podman or crictl is here)"] : tried),
  ];
  throw new UsageError(
    `there is no namespace "${printable(text)}": looked for ${looked.join(", ")}`,
  );
}

function opened(path: string, text: string, name: string): NetworkNamespace {
  const said = printable(text);
  let namespace: NetworkNamespace;
  try {
    // To open a pipe or a device could hang, or do something.
    if (!statSync(path).isFile()) throw new UsageError(`"${said}" is no network namespace`);
    namespace = openPath(name, path);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "is not there" : `cannot be opened (${code})`;
    throw new UsageError(`the namespace "${said}" ${why}: looked for ${printable(path)}`, {
      cause,
    });
  }
  try {
    inNamespace(namespace, () => {});
    return namespace;
  } catch (cause) {
    closeNamespace(namespace);
    if (!(cause instanceof SystemCallError)) throw cause;
    throw new UsageError(
      `"${said}" is no network namespace that can be entered (${cause.message}): looked at ${printable(path)}`,
      { cause },
    );
  }
}
