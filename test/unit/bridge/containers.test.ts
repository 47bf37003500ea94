import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  listApi,
  type NameCache,
  nameContainers,
  socketsFor,
} from "../../../src/bridge/containers.ts";
import { containerId } from "../../../src/system/processes.ts";

const ID = "0123456789abcdef".repeat(4);

describe("the container of a cgroup", () => {
  it.each([
    [`/docker/${ID}`],
    [`/system.slice/docker-${ID}.scope`],
    [`/machine.slice/libpod-${ID}.scope/container`],
    [`/kubepods.slice/kubepods-pod12_34.slice/cri-containerd-${ID}.scope`],
    [`/kubepods.slice/kubepods-pod12_34.slice/crio-${ID}.scope`],
    [`/kubepods/besteffort/pod1234/${ID}`],
    [`kubepods-pod1:cri-containerd:${ID}`],
  ])("is read from %s", (cgroup) => {
    expect(containerId(cgroup)).toBe(ID);
  });

  it.each([["/"], ["/user.slice/session-1.scope"], [`/x${ID}`], [`/${ID}0`], [""]])(
    "is not seen in %s",
    (cgroup) => {
      expect(containerId(cgroup)).toBeNull();
      expect(socketsFor(cgroup)).toEqual([]);
    },
  );

  it("is asked for where it can have come from only", () => {
    expect(socketsFor(`/libpod-${ID}.scope`)).toEqual(["/run/podman/podman.sock"]);
    expect(socketsFor(`/docker/${ID}`)).toEqual(["/var/run/docker.sock"]);
    expect(socketsFor(`/cri-containerd-${ID}.scope`)).not.toContain("/var/run/docker.sock");
  });
});

describe("a container of Podman's", () => {
  it("has the name that its monitor was started with, though no socket is there", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "bridgescope-runtime-"));
    const conmon = path.join(folder, "conmon");
    // A shell goes by the name that it was started with; Node 24 gives itself another.
    symlinkSync("/bin/sh", conmon);
    const script = path.join(folder, "script");
    writeFileSync(script, "echo up; read line\n");
    const [id, other] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
    const words = ["--api-version", "1", "-c", id, "-u", id, "-r", "runc", "-n", "web", "--log"];
    const child = spawn(conmon, [script, ...words], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      const cache: NameCache = new Map();
      const cgroups = [id, other].map((one) => `/libpod_parent/libpod-${one}`);
      await nameContainers(cgroups, cache);
      expect(cache.get(id)).toEqual({ container: "web", pod: null });
      expect(cache.get(other)).toBeNull();
    } finally {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("a runtime's answer", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "bridgescope-runtime-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function asked(answer: RequestListener) {
    const socket = path.join(folder, "socket");
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    try {
      return await listApi(socket);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it("names containers and pods", async () => {
    const labels = {
      "io.kubernetes.pod.name": "web-1",
      "io.kubernetes.pod.namespace": "shop",
    };
    const list = [
      { Id: ID, Names: ["/web"], Labels: {} },
      { Id: "f".repeat(64), Names: ["/k8s_POD"], Labels: labels },
    ];
    const found = await asked((request, response) => {
      expect([request.method, request.url]).toEqual(["GET", "/containers/json"]);
      response.end(JSON.stringify(list));
    });
    expect(found).toEqual([
      [ID, { container: "web", pod: null }],
      ["f".repeat(64), { container: "k8s_POD", pod: "shop/web-1" }],
    ]);
  });

  it.each<[string, RequestListener]>([
    ["broken", (_, response) => response.end("[{")],
    ["of another shape", (_, response) => response.end('{"message":"no"}')],
    ["a refusal", (_, response) => response.writeHead(500).end("[]")],
    ["cut off", (request) => request.socket.destroy()],
    ["none in time", () => {}],
  ])("may be %s", async (_, answer) => {
    expect(await asked(answer)).toEqual([]);
  });
});
