/** A simulated cgminer on loopback: one question a connection, answered in pieces, ended with NUL. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { REFUSAL } from "./answers.ts";

export class FakeCgminer {
  readonly questions: string[] = [];
  /** Answers in its own way, in place of the given answers. */
  handler: ((socket: Socket) => void) | undefined;
  readonly #answers: Readonly<Record<string, string>>;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(answers: Readonly<Record<string, string>>) {
    this.#answers = answers;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Starts on a free port of 127.0.0.1. */
  static async start(answers: Readonly<Record<string, string>>): Promise<FakeCgminer> {
    const fake = new FakeCgminer(answers);
    await new Promise<void>((resolve) => {
      fake.#server.listen(0, "127.0.0.1", resolve);
    });
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      if (this.handler !== undefined) {
        this.handler(socket);
        return;
      }
      const { command } = JSON.parse(chunk.toString("utf8")) as { command: string };
      this.questions.push(command);
      const answer = `${this.#answers[command] ?? REFUSAL}\0`;
      const middle = answer.length >> 1;
      socket.write(answer.slice(0, middle));
      setImmediate(() => socket.end(answer.slice(middle)));
    });
  }
}
