import { afterAll, beforeAll, expect, test } from "vitest";
import { setThreadCpus, threadCpus } from "../../../src/system/libc.ts";
import { openPacketSocket } from "../../../src/system/packet-socket.ts";
import { createBridgeModel, HOST } from "../../model/bridge.ts";
import { plainConfig } from "./addresses.ts";
import { prepare } from "./play.ts";
import { openRig, type Rig } from "./rig.ts";
import { judgeFrames } from "./verdict.ts";
import { ETHER_TYPE } from "./wire.ts";

const TIMES = 200;

let rig: Rig;
beforeAll(async () => {
  setThreadCpus(threadCpus().slice(0, 1));
  rig = await openRig();
});
afterAll(() => rig?.close());

/** A frame of LLDP's kind, sent by a daemon through the port itself. */
function ownFrame(): Buffer {
  const frame = Buffer.alloc(60);
  frame.set([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e, 0x02, 0x99, 0x99, 0x00, 0x00, 0x01], 0);
  frame.writeUInt16BE(ETHER_TYPE, 12);
  return frame;
}

test("what is sent through a port itself is originated there, whatever the bridge did last", async () => {
  const config = plainConfig(rig.lab);
  await prepare(rig, config);
  const model = createBridgeModel(config);
  const [, port = 0] = rig.ports;
  const direct = openPacketSocket(rig.bridge.namespace, port);
  for (let index = 0; index < TIMES; index++) {
    // The kernel frees this one at once, and the next buffer is likely the very same memory.
    const frame = { source: config.address, destination: config.address };
    const outcome = model.transmit(frame);
    rig.send(HOST, frame.source, frame.destination, outcome, { kind: "transmit", ...frame });
    direct.send(ownFrame());
  }
  direct.close();
  await rig.settle();
  expect(judgeFrames(rig, rig.sent, [])).toEqual([]);
  const [told] = await rig.finish();
  expect(told?.account.ports.get(port)).toMatchObject({
    egress: TIMES,
    originated: TIMES,
    unattributed: 0,
  });
});
