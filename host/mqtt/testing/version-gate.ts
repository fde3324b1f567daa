/** In front of a broker: lets MQTT 3.1.1 through, and refuses MQTT 5 as an old broker does. */
import { connect, createServer, type Server, type Socket } from "node:net";

/** CONNECT: type, remaining length of one or two bytes, 0 4 M Q T T, version. */
const NAME = Buffer.from("\u0000\u0004MQTT", "latin1");
/** CONNACK of 3.1.1: unacceptable protocol version. */
const REFUSED = Buffer.from([0x20, 2, 0, 1]);

export class VersionGate {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `mqtt://127.0.0.1:${port}`;
  }

  static async start(brokerPort: number): Promise<VersionGate> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const gate = new VersionGate(server, typeof address === "object" && address !== null ? address.port : 0);
    server.on("connection", (socket) => gate.#admit(socket, brokerPort));
    return gate;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #admit(socket: Socket, brokerPort: number): void {
    this.#keep(socket);
    socket.once("data", (first) => {
      const version = first.readUInt8(first.indexOf(NAME) + NAME.length);
      if (version !== 4) {
        socket.end(REFUSED);
        return;
      }
      const broker = connect(brokerPort, "127.0.0.1");
      this.#keep(broker);
      broker.write(first);
      socket.pipe(broker).pipe(socket);
      socket.once("close", () => broker.destroy());
      broker.once("close", () => socket.destroy());
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy()).once("close", () => this.#sockets.delete(socket));
  }
}
