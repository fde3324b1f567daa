/**
 * A broker inside the appliance, for trying it out: this machine only, MQTT 3.1.1, everything in memory.
 *
 * It acknowledges a message that nobody subscribes to and keeps nothing for a subscriber that is away, whatever session it
 * asks for: what waited for it would grow here for ever. What the appliance promises about loss holds for a broker that
 * keeps what it has acknowledged.
 */
import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { errorCode, errorMessage } from "../base/error.ts";
import { MqttError } from "./errors.ts";

export interface EmbeddedBrokerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Clients at once; default 32. */
  readonly connectionsMax?: number;
}

export class EmbeddedBroker {
  readonly port: number;
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;

  private constructor(aedes: Aedes, server: Server, sockets: ReadonlySet<Socket>, port: number) {
    this.#aedes = aedes;
    this.#server = server;
    this.#sockets = sockets;
    this.port = port;
  }

  /** @throws MqttError MQTT_PORT_IN_USE, MQTT_BROKER_START */
  static async start({ port, connectionsMax = 32 }: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const aedes = await Aedes.createBroker({
      preConnect: (_, connect, done) => {
        connect.clean = true;
        done(null, true);
      },
    });
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      aedes.handle(socket);
    });
    server.maxConnections = connectionsMax;
    try {
      return new EmbeddedBroker(aedes, server, sockets, await listen(server, port));
    } catch (error) {
      aedes.close();
      const code = errorCode(error) === "EADDRINUSE" ? "MQTT_PORT_IN_USE" : "MQTT_BROKER_START";
      throw new MqttError(code, `127.0.0.1:${port}: ${errorMessage(error)}`, { cause: error });
    }
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Drops every client and frees the port. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (!this.#aedes.closed) await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no TCP address"));
      else resolve(address.port);
    });
  });
}
