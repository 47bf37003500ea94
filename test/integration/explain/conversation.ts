import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { FloodLab, HostName } from "./lab.ts";

const SERVER = `
  require("node:net").createServer((socket) => {
    socket.on("error", () => {}).on("data", () => socket.write("answer"));
  }).listen(4242, () => console.log("listening"));`;
const CLIENT = `
  const socket = require("node:net").connect(4242, process.argv[1], () => {
    socket.setNoDelay(true);
    setInterval(() => socket.write("question"), 10);
    socket.once("data", () => console.log("talking"));
  });`;

/** A TCP conversation, with an answer to each of a hundred questions a second; resolves when the first has come. */
export async function converse(
  lab: FloodLab,
  client: HostName,
  server: HostName,
  address: string,
): Promise<{ end(): Promise<void> }> {
  const listening = await start(lab, server, SERVER);
  const talking = await start(lab, client, CLIENT, address);
  return {
    end: async () => {
      for (const child of [talking, listening]) {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }
    },
  };
}

/** Resolves once it has said something. */
async function start(
  lab: FloodLab,
  at: HostName,
  code: string,
  ...words: string[]
): Promise<ChildProcess> {
  const [file = "", ...enter] = lab.hosts[at].enter;
  const child = spawn(file, [...enter, process.execPath, "-e", code, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}
