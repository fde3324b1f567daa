/** What stands between a client and a broker in a test, and ends every connection when it is stopped. */
import { createServer, type Socket } from "node:net";

export interface Gate {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param admit a client has come; both its socket and the one to the broker are given to `keep` */
export async function openGate(admit: (client: Socket, keep: (socket: Socket) => void) => void): Promise<Gate> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).once("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    admit(client, keep);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `mqtt://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** One ends with the other. */
export function coupled(client: Socket, broker: Socket): void {
  client.once("close", () => broker.destroy());
  broker.once("close", () => client.destroy());
}
