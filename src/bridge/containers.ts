/** What container runtimes call their containers: Podman's monitors say it, others through their sockets, nobody waits long for one. */
import { statSync } from "node:fs";
import { request } from "node:http";
import { z } from "zod";
import { run } from "../system/command.ts";
import { commandOf, containerId, processes, wordsOf } from "../system/processes.ts";

export interface ContainerName {
  container: string;
  /** `namespace/name`, where Kubernetes made it. */
  pod: string | null;
}

/** By the id; null where no runtime that answered knew it. */
export type NameCache = Map<string, ContainerName | null>;

const DOCKER = "/var/run/docker.sock";
const PODMAN = "/run/podman/podman.sock";
/** These speak gRPC; crictl is their client. */
const CRI = ["/run/containerd/containerd.sock", "/run/crio/crio.sock"];
const LIBPOD = /libpod/;
const LIMIT_MS = 2000;
const LONGEST_ANSWER = 64 << 20;

const labels = z.record(z.string(), z.string()).nullish();
/** GET /containers/json, which Podman answers as Docker does. */
const apiSchema = z.array(z.object({ Id: z.string(), Names: z.array(z.string()), Labels: labels }));
const criEntry = z.object({ id: z.string(), metadata: z.object({ name: z.string() }), labels });
/** `crictl ps` and `crictl pods`. */
const criSchema = z.object({
  containers: z.array(criEntry).default([]),
  items: z.array(criEntry).default([]),
});

/** Puts into the cache what the runtimes call the containers of these cgroups; each is looked for once. */
export async function nameContainers(cgroups: readonly string[], cache: NameCache): Promise<void> {
  const news = cgroups.filter((cgroup) => !cache.has(containerId(cgroup) ?? ""));
  // Podman has no daemon, and a socket for it is often not there; to ask one that is starts a process.
  if (news.some((cgroup) => LIBPOD.test(cgroup))) {
    for (const [id, name] of monitored()) cache.set(id, name);
  }
  const unknown = news.filter((cgroup) => !cache.has(containerId(cgroup) ?? ""));
  if (unknown.length === 0) return;
  const sockets = [...new Set(unknown.flatMap(socketsFor))].filter(isSocket);
  const found = await Promise.all(
    sockets.map((socket) => (CRI.includes(socket) ? listCri(socket) : listApi(socket))),
  );
  for (const [id, name] of found.flat()) cache.set(id, name);
  for (const cgroup of unknown) {
    const id = containerId(cgroup);
    if (id !== null && !cache.has(id)) cache.set(id, null);
  }
}

/** Only runtimes that may have made it: to ask another could start that. */
export function socketsFor(cgroup: string): string[] {
  if (containerId(cgroup) === null) return [];
  if (LIBPOD.test(cgroup)) return [PODMAN];
  if (/cri-containerd|crio/.test(cgroup)) return CRI;
  if (/docker/.test(cgroup)) return [DOCKER];
  return /kubepods/.test(cgroup) ? [...CRI, DOCKER] : [DOCKER];
}

type Named = [id: string, name: ContainerName];

/** Of each conmon, which Podman starts for every container: `conmon … -c ID … -n NAME …`. */
function monitored(): Named[] {
  return processes().flatMap((pid): Named[] => {
    if (commandOf(pid) !== "conmon") return [];
    const words = wordsOf(pid);
    const after = (word: string) => words[words.indexOf(word) + 1] ?? "";
    const [id, name] = [after("-c"), after("-n")];
    if (!words.includes("-n") || !/^[0-9a-f]{64}$/.test(id) || name === "") return [];
    return [[id, named(name, null)]];
  });
}

export async function listApi(socket: string): Promise<Named[]> {
  const parsed = apiSchema.safeParse(json(await get(socket, "/containers/json")));
  if (!parsed.success) return [];
  return parsed.data.map(({ Id, Names, Labels }) => [
    Id,
    named(Names[0]?.replace(/^\//, "") || Id.slice(0, 12), Labels),
  ]);
}

async function listCri(socket: string): Promise<Named[]> {
  const answers = await Promise.all(["ps", "pods"].map((what) => crictl(socket, what)));
  return answers.flatMap((answer) => {
    const parsed = criSchema.safeParse(json(answer));
    if (!parsed.success) return [];
    const { containers, items } = parsed.data;
    return [...containers, ...items].map(
      (entry): Named => [entry.id, named(entry.metadata.name, entry.labels)],
    );
  });
}

function named(container: string, given: z.infer<typeof labels>): ContainerName {
  const pod = given?.["io.kubernetes.pod.name"];
  const space = given?.["io.kubernetes.pod.namespace"] ?? "default";
  return { container, pod: pod === undefined ? null : `${space}/${pod}` };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function crictl(socket: string, what: string): Promise<string> {
  try {
    const words = ["--runtime-endpoint", `unix://${socket}`, what, "--output", "json"];
    const { stdout, exitCode } = await run("crictl", words, { timeoutMs: LIMIT_MS });
    return exitCode === 0 ? stdout : "";
  } catch {
    return ""; // crictl is not there, or the runtime does not answer
  }
}

/** Empty where there is no answer in time. */
function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let length = 0;
    const asked = request(
      { socketPath, path, agent: false, headers: { host: "localhost" } },
      (response) => {
        response.on("data", (part: Buffer) => {
          parts.push(part);
          length += part.length;
          if (length > LONGEST_ANSWER) asked.destroy();
        });
        response.once("end", () =>
          resolve(response.statusCode === 200 ? Buffer.concat(parts).toString("utf8") : ""),
        );
        response.on("error", () => resolve(""));
      },
    );
    const late = setTimeout(() => asked.destroy(), LIMIT_MS);
    asked.on("error", () => resolve(""));
    asked.once("close", () => {
      clearTimeout(late);
      resolve("");
    });
    asked.end();
  });
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}
