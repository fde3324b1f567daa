/** In front of a broker: lets everything through, but no acknowledgement of a message while it is told to hold them back. */
import { connect, type Socket } from "node:net";
import { coupled, type Gate, openGate } from "./gate.ts";
import { headerSize, packetSize } from "./stub-broker.ts";

const PUBLISH = 3;
const PUBACK = 4;

export interface PubackLosses {
  /** Acknowledgements of messages larger than this are dropped; infinity drops none. */
  dropAboveBytes: number;
  dropped: number;
}

export function openPubackGate(brokerPort: number, losses: PubackLosses): Promise<Gate> {
  return openGate((client, keep) => {
    const broker = connect(brokerPort, "127.0.0.1");
    keep(broker);
    const large = new Set<number>();
    eachPacket(client, (packet) => {
      if (packet.readUInt8(0) >> 4 === PUBLISH && packet.length > losses.dropAboveBytes) large.add(packetIdOf(packet));
      broker.write(packet);
    });
    eachPacket(broker, (packet) => {
      const dropped = packet.readUInt8(0) >> 4 === PUBACK && large.delete(packet.readUInt16BE(2));
      if (dropped) losses.dropped += 1;
      else client.write(packet);
    });
    coupled(client, broker);
  });
}

/** Cuts what comes into packets. */
export function eachPacket(socket: Socket, take: (packet: Buffer) => void): void {
  let buffer = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (let size = packetSize(buffer); size <= buffer.length; size = packetSize(buffer)) {
      take(buffer.subarray(0, size));
      buffer = buffer.subarray(size);
    }
  });
}

/** Of a PUBLISH of QoS 1. */
function packetIdOf(packet: Buffer): number {
  const topic = headerSize(packet);
  return packet.readUInt16BE(topic + 2 + packet.readUInt16BE(topic));
}
