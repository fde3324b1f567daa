/** The TCP edge of the bridge. Loopback unless told otherwise: Stratum V1 has neither encryption nor passwords. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { errorMessage } from "../../base/error.ts";
import type { StratumBridge } from "./bridge.ts";
import { StratumError } from "./errors.ts";
import type { Wire } from "./peer.ts";

export interface ServerOptions {
  readonly bridge: StratumBridge;
  /** An address of this machine; default 127.0.0.1. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** A peer that vanished without a word is found out after this, and a few probes. */
const KEEPALIVE_MS = 60_000;
/** What a polite close waits for the other side. */
const FAREWELL_MS = 500;
const BACKLOG = 128;

class SocketWire implements Wire {
  readonly address: string;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.address = socket.remoteAddress ?? "";
  }

  get unreadBytes(): number {
    return this.#socket.writableLength;
  }

  send(text: string): void {
    if (this.#socket.writable) this.#socket.write(text);
  }

  close(politely: boolean): void {
    if (!politely) {
      this.#socket.destroy();
      return;
    }
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
    this.#socket.once("close", () => clearTimeout(timer));
  }
}

export class StratumServer {
  readonly #server: Server;
  readonly #bridge: StratumBridge;
  readonly #sockets = new Set<Socket>();

  private constructor(bridge: StratumBridge) {
    this.#bridge = bridge;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS });
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  /** @throws StratumError STRATUM_LISTEN */
  static async listen({ bridge, host = "127.0.0.1", port }: ServerOptions): Promise<StratumServer> {
    const server = new StratumServer(bridge);
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) =>
        reject(new StratumError("STRATUM_LISTEN", `${host}:${port}: ${errorMessage(error)}`, { cause: error }));
      server.#server.once("error", failed);
      server.#server.listen({ host, port, backlog: BACKLOG }, () => {
        server.#server.off("error", failed);
        // A failure to accept, such as too many open files, concerns that one connection.
        server.#server.on("error", () => {});
        resolve();
      });
    });
    return server;
  }

  /** Where it listens. */
  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** Closes the bridge as well, and every connection, within half a second. Idempotent, never throws. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#bridge.close();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, FAREWELL_MS);
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const peer = this.#bridge.connect(new SocketWire(socket));
    socket.on("error", () => peer?.end("socket-error"));
    if (peer === null) return;
    this.#sockets.add(socket);
    socket.on("data", (chunk) => this.#bridge.receive(peer, chunk));
    socket.on("end", () => peer.end("closed-by-peer"));
    socket.on("close", () => {
      this.#sockets.delete(socket);
      peer.end("closed-by-peer");
    });
  }
}
