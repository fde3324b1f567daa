/** The least of an MQTT 5 broker: states a Receive Maximum, counts what is unacknowledged, acknowledges late. */
import type { Socket } from "node:net";

const CONNECT = 1;
const PUBLISH = 3;

export class ReceiveMaximumStub {
  readonly #receiveMaximum: number;
  #open = 0;
  /** The most messages that were unacknowledged at once. */
  most = 0;

  constructor(receiveMaximum: number) {
    this.#receiveMaximum = receiveMaximum;
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
    if (first >> 4 === CONNECT) socket.write(Buffer.from([0x20, 6, 0, 0, 3, 0x21, 0, this.#receiveMaximum]));
    if (first >> 4 !== PUBLISH || (first & 0b110) === 0) return;
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
function headerSize(packet: Buffer): number {
  let size = 1;
  while (size < packet.length && packet.readUInt8(size) >= 0x80) size += 1;
  return size + 1;
}

/** @returns infinity while the header is incomplete */
function packetSize(buffer: Buffer): number {
  const header = headerSize(buffer);
  if (buffer.length < 2 || header > buffer.length) return Number.POSITIVE_INFINITY;
  const groups = [...buffer.subarray(1, header)];
  return header + groups.reduce((sum, group, index) => sum + (group & 0x7f) * 128 ** index, 0);
}
