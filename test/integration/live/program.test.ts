import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadLive } from "../../../src/live/program.ts";
import { chooseBackend } from "../../../src/probes/backend.ts";
import { LIVE, WATCH } from "../../../src/probes/programs.ts";
import { sendDatagram, udpListener } from "../../../src/system/inet-socket.ts";
import { close } from "../../../src/system/libc.ts";
import { commandOf, processes } from "../../../src/system/processes.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";

let before: HostState;
beforeEach(() => {
  before = hostState();
});
afterEach(async () => {
  expect(await hostChanges(before, 3000)).toEqual({});
});

const TO = { address: "127.0.0.1", port: 9 };
const socket = udpListener({ address: "127.0.0.1", port: 0 });
afterAll(() => close(socket));

/** Frames that no bridge handles. */
async function frames(): Promise<void> {
  for (let sent = 0; sent < 20; sent++) sendDatagram(socket, Buffer.alloc(8), TO);
}

const bpftraces = () => processes().filter((pid) => commandOf(pid) === "bpftrace");

describe.each([
  ["watch", WATCH],
  ["explain", LIVE],
])("the program of %s", (_, files) => {
  it("takes nothing while it rests, something while it counts, and goes on without bpftrace", async () => {
    const known = new Set(bpftraces());
    const program = await loadLive(files, [await chooseBackend("tracepoint")]);
    try {
      expect(bpftraces().filter((pid) => !known.has(pid))).toEqual([]);
      expect(program.attached()).toBe(false);
      await program.ready();
      const before = await program.cost(frames);
      for (let time = 0; time < 3; time++) {
        await program.attach();
        const counting = await program.cost(frames);
        await program.detach();
        await program.ready();
        const resting = await program.cost(frames);
        expect(counting).toBeGreaterThan(0);
        // Others' changes of FDBs are told of all the time, and are few.
        expect(Math.max(before, resting)).toBeLessThan(counting / 10);
      }
      expect(program.event.unrelatedNs).toBeGreaterThan(0);
    } finally {
      await program.close();
    }
  });

  it("begins to count with empty maps", async () => {
    const program = await loadLive(files, [await chooseBackend("tracepoint")]);
    try {
      const counts = files === WATCH ? "n" : "flow";
      expect(program.maps.counts(counts)).toEqual([]);
      expect(program.maps.counts("ports")).toEqual([]);
    } finally {
      await program.close();
    }
  });
});
