/**
 * A machine of its own on this one: network, mounts and processes, with nothing of the host's under /run. What is made
 * there (bridges, firewall rules, named namespaces, containers, daemons) goes when it closes, whatever made it.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Explanation } from "../../../src/document/explain.ts";
import { explainBridge } from "../../../src/explain/explain.ts";
import { closeNamespace, openPath } from "../../../src/system/netns.ts";
import { openPacketSocket } from "../../../src/system/packet-socket.ts";
import { tagged } from "../host-state.ts";

export interface Island {
  /** A process there, and so a name of its network namespace for `--netns`. */
  netns: string;
  /** Runs a line of shell there; gives what it printed, and throws where it failed. */
  shell(line: string): Promise<string>;
  /** Starts a line of shell there, which may run for as long as the island is there; with "pipe" one that is spoken to. */
  begin(line: string, stdio?: "ignore" | "pipe"): ChildProcess;
  close(): Promise<void>;
}

/** Folders that programs keep state in; each is empty there. */
const OWN = ["/run", "/dev/shm", "/var/lib/cni"];
/** Sysctls of the whole machine, which some programs raise to their needs: they may not. */
const SHARED = ["fs", "kernel", "vm", "net/core"].map((folder) => `/proc/sys/${folder}`);

export async function newIsland(): Promise<Island> {
  const mounts = OWN.map((folder) => `mkdir -p ${folder} && mount -t tmpfs tmpfs ${folder}`);
  const fixed = SHARED.map((at) => `mount --bind ${at} ${at} && mount -o remount,ro,bind ${at}`);
  const init = `${[...mounts, ...fixed].join(" && ")} && ip link set lo up && echo up && exec sleep 7200`;
  const flags = "--net --mount --pid --fork --kill-child --mount-proc --propagation private";
  // It goes with our process too, however that ends.
  const words = ["--pdeathsig", "KILL", "unshare", ...flags.split(" "), "sh", "-c", init];
  const unshare = spawn("setpriv", words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...tagged },
  });
  let said = "";
  unshare.stderr.on("data", (data) => {
    said += String(data);
  });
  const ready = await Promise.race([once(unshare.stdout, "data"), once(unshare, "exit")]);
  if (!Buffer.isBuffer(ready[0])) throw new Error(`there is no island: ${said}`);
  const children = `/proc/${unshare.pid}/task/${unshare.pid}/children`;
  const netns = readFileSync(children, "utf8").trim();
  const enter = ["-t", netns, "--net", "--mount", "--pid"];
  return {
    netns,
    shell: async (line) => {
      const { stdout } = await promisify(execFile)("nsenter", [...enter, "sh", "-ec", line]);
      return stdout;
    },
    // nsenter is its parent: what is killed is that, and it goes along.
    begin: (line, stdio = "ignore") =>
      spawn("nsenter", [...enter, "setpriv", "--pdeathsig", "KILL", "sh", "-c", line], { stdio }),
    close: async () => {
      const ended = once(unshare, "exit");
      // The first process there: it has ended when all others have.
      process.kill(Number(netns), "SIGKILL");
      await ended;
    },
  };
}

/** A sentence of what is not there of commands, by name or path; null where all are. */
export function lacking(commands: readonly string[], packages: string): string | null {
  const there = (command: string) =>
    spawnSync("sh", ["-c", 'command -v "$1"', "sh", command], { stdio: "ignore" }).status === 0;
  const missing = commands.filter((command) => !there(command));
  if (missing.length === 0) return null;
  return `${missing.join(", ")} not found (Debian's packages: ${packages})`;
}

/** Looks at a bridge there for as long as `act` takes, from the moment on when its frames are counted. */
export async function explainDuring(
  island: Island,
  bridge: string,
  act: () => Promise<unknown>,
): Promise<Explanation> {
  const over = new AbortController();
  let acting: Promise<unknown> = Promise.resolve();
  const onCounting = () => {
    acting = act().finally(() => over.abort());
    acting.catch(() => {});
  };
  const { netns } = island;
  const answer = await explainBridge({
    ...{ bridge, netns, seconds: 100, signal: over.signal },
    onCounting,
  });
  await acting;
  return answer;
}

/** The owners of a bridge's ports, by what `explain` calls them. */
export function ownersIn({ ports }: Explanation): (string | null)[] {
  return ports.filter(({ name }) => name !== "host").map(({ owner }) => owner);
}

/** A device in a namespace of the island's that `ip netns` knows there by name. */
export interface Device {
  netns: string;
  device: string;
}

/** Sends a frame out of a device again and again while that is up, and gives what ends it. */
export async function sendEvery(
  ms: number,
  island: Island,
  { netns, device }: Device,
  frame: Buffer,
): Promise<() => void> {
  const [link] = JSON.parse(await island.shell(`ip -n ${netns} -j link show dev ${device}`));
  const namespace = openPath(netns, `/proc/${island.netns}/root/run/netns/${netns}`);
  const socket = openPacketSocket(namespace, link.ifindex);
  const timer = setInterval(() => {
    try {
      socket.send(frame);
    } catch {
      // It is down, or gone.
    }
  }, ms);
  return () => {
    clearInterval(timer);
    socket.close();
    closeNamespace(namespace);
  };
}
