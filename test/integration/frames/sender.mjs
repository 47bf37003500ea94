// A worker that sends frames from one CPU; plain JavaScript, since a worker is not transpiled.
import { parentPort, workerData } from "node:worker_threads";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const send = libc.func("long send(int fd, const void *buf, size_t len, int flags)");
const pin = libc.func("int sched_setaffinity(int pid, size_t size, const void *mask)");

const { cpu, gate, senders, frames } = workerData;
const mask = Buffer.alloc(128);
mask.writeUInt8(1 << (cpu & 7), cpu >> 3);
if (pin(0, mask.length, mask) !== 0) throw new Error(`no pinning to CPU ${cpu}`);

const ready = new Int32Array(gate);
Atomics.add(ready, 0, 1);
while (Atomics.load(ready, 0) < senders);
let refused = 0;
for (const { fd, bytes } of frames) if (send(fd, bytes, bytes.length, 0) < 0) refused++;
parentPort.postMessage(refused);
