import type { BuiltLab } from "../../../src/setup/lab.ts";
import { setsockopt } from "../../../src/system/libc.ts";
import { openPacketSocket, type PacketSocket } from "../../../src/system/packet-socket.ts";
import { macBytes } from "../../../src/text/mac-address.ts";
import { HOST, type PortId } from "../../model/bridge.ts";

/** Local experimental EtherType (IEEE 802): no protocol of the kernel's answers it. */
export const ETHER_TYPE = 0x88b5;
const HEADER = 14;
/** Both ends of what Ethernet allows without a tag, and something between. */
const LENGTHS = [60, 1514, 61, 590];

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/** Bytes of memory that each socket may hold: all frames of a batch, at 4 KiB each. */
const ROOM = Buffer.from(Int32Array.of(16 << 20).buffer);

/** A test frame: its number stands where bridge.bt reads it. */
export function frameBytes(number: number, source: string, destination: string): Buffer {
  const frame = Buffer.alloc(LENGTHS[number % LENGTHS.length] ?? 60);
  frame.set(macBytes(destination), 0);
  frame.set(macBytes(source), 6);
  frame.writeUInt16BE(ETHER_TYPE, 12);
  frame.writeUInt32LE(number, HEADER);
  return frame;
}

/** A socket at the far end of every port, and one on the bridge device. */
export interface Wire {
  socket(end: PortId): PacketSocket;
  /** Takes what has arrived: the ends that each frame came out at, sorted. */
  collect(): Map<number, PortId[]>;
  close(): void;
}

export function openWire(lab: BuiltLab): Wire {
  const { bridge } = lab;
  if (bridge === null) throw new Error("the lab has no bridge");
  const options = { etherType: ETHER_TYPE, receiveTimeoutMs: 1 };
  const sockets = new Map<PortId, PacketSocket>([
    [HOST, openPacketSocket(bridge.namespace, bridge.ifindex, options)],
  ]);
  for (const { namespace, ifindex, port } of lab.hosts) {
    if (port !== null) sockets.set(port.name, openPacketSocket(namespace, ifindex, options));
  }
  for (const { fd } of sockets.values()) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, ROOM);
  const buffer = Buffer.alloc(2048);
  return {
    socket(end) {
      const found = sockets.get(end);
      if (found === undefined) throw new Error(`no end ${end}`);
      return found;
    },
    collect() {
      const heard = new Map<number, PortId[]>();
      for (const [end, socket] of sockets) {
        while (socket.receive(buffer) >= 0) {
          const number = buffer.readUInt32LE(HEADER);
          heard.set(number, [...(heard.get(number) ?? []), end].sort());
        }
      }
      return heard;
    },
    close: () => {
      for (const socket of sockets.values()) socket.close();
    },
  };
}
