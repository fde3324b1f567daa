/** In front of a broker: lets everything through, but no acknowledgement of a message while it is told to hold them back. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { headerSize, packetSize } from "./stub-broker.ts";

const PUBLISH = 3;
const PUBACK = 4;

export class PubackGate {
  readonly url: string;
  /** Acknowledgements of messages larger than this are dropped; infinity drops none. */
  dropAboveBytes = Number.POSITIVE_INFINITY;
  dropped = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `mqtt://127.0.0.1:${port}`;
  }

  static async start(brokerPort: number): Promise<PubackGate> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const gate = new PubackGate(server, typeof address === "object" && address !== null ? address.port : 0);
    server.on("connection", (socket) => gate.#admit(socket, brokerPort));
    return gate;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #admit(socket: Socket, brokerPort: number): void {
    const broker = connect(brokerPort, "127.0.0.1");
    const large = new Set<number>();
    this.#keep(socket);
    this.#keep(broker);
    eachPacket(socket, (packet) => {
      if (packet.readUInt8(0) >> 4 === PUBLISH && packet.length > this.dropAboveBytes) large.add(packetIdOf(packet));
      broker.write(packet);
    });
    eachPacket(broker, (packet) => {
      const dropped = packet.readUInt8(0) >> 4 === PUBACK && large.delete(packet.readUInt16BE(2));
      if (dropped) this.dropped += 1;
      else socket.write(packet);
    });
    socket.once("close", () => broker.destroy());
    broker.once("close", () => socket.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy()).once("close", () => this.#sockets.delete(socket));
  }
}

function eachPacket(socket: Socket, take: (packet: Buffer) => void): void {
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
