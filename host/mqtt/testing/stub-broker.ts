/** The least of an MQTT 5 broker: states its limits, counts what is unacknowledged, acknowledges late. */
import type { Socket } from "node:net";

const CONNECT = 1;
const PUBLISH = 3;

/** Properties of CONNACK. */
const RECEIVE_MAXIMUM = 0x21;
const MAXIMUM_PACKET_SIZE = 0x27;

export class LimitsStub {
  readonly #connack: Buffer;
  #open = 0;
  /** The most messages that were unacknowledged at once. */
  most = 0;
  /** Bytes of each PUBLISH of QoS 1. */
  readonly sizes: number[] = [];

  constructor(receiveMaximum: number, packetMaxBytes = 1_000_000) {
    const properties = Buffer.alloc(8);
    properties.writeUInt8(RECEIVE_MAXIMUM, 0);
    properties.writeUInt16BE(receiveMaximum, 1);
    properties.writeUInt8(MAXIMUM_PACKET_SIZE, 3);
    properties.writeUInt32BE(packetMaxBytes, 4);
    this.#connack = Buffer.concat([Buffer.from([0x20, 11, 0, 0, properties.length]), properties]);
  }

  readonly handle = (socket: Socket): void => {
    let buffer = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let size = packetSize(buffer); size <= buffer.length; size = packetSize(buffer)) {
        this.#answer(socket, buffer.subarray(0, size));
        buffer = buffer.subarray(size);
      }
    });
  };

  #answer(socket: Socket, packet: Buffer): void {
    const first = packet.readUInt8(0);
    if (first >> 4 === CONNECT) socket.write(this.#connack);
    if (first >> 4 !== PUBLISH || (first & 0b110) === 0) return;
    this.sizes.push(packet.length);
    this.#open += 1;
    this.most = Math.max(this.most, this.#open);
    const topic = headerSize(packet);
    const id = topic + 2 + packet.readUInt16BE(topic);
    const acknowledgement = Buffer.from([0x40, 2, packet.readUInt8(id), packet.readUInt8(id + 1)]);
    setTimeout(() => {
      this.#open -= 1;
      socket.write(acknowledgement);
    }, 5);
  }
}

/** Fixed header: type, then the remaining length in 7-bit groups. */
export function headerSize(packet: Buffer): number {
  let size = 1;
  while (size < packet.length && packet.readUInt8(size) >= 0x80) size += 1;
  return size + 1;
}

/** @returns infinity while the header is incomplete */
export function packetSize(buffer: Buffer): number {
  const header = headerSize(buffer);
  if (buffer.length < 2 || header > buffer.length) return Number.POSITIVE_INFINITY;
  const groups = [...buffer.subarray(1, header)];
  return header + groups.reduce((sum, group, index) => sum + (group & 0x7f) * 128 ** index, 0);
}
