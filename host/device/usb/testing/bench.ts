/** Ports, cables and boards in this process, under the test's clock: what `connectUsb` opens in place of real ones. */
import type { Clock } from "../../clock.ts";
import { sha256 } from "../../digest.ts";
import { DeviceError } from "../../errors.ts";
import { LineDecoder } from "../../link/decoder.ts";
import { encodeFrame, type Frame } from "../../link/frame.ts";
import type { ConnectParts } from "../connect.ts";
import type { SerialLine } from "../serial-transport.ts";

/** One board with direct-hash firmware. */
export class Board {
  readonly id: string;
  /** A UART has rates; native USB has none. */
  readonly uart: boolean;
  /** The rate it is at now. */
  baud = 115_200;
  boots = 1;
  /** Pulses of its reset line. */
  pulses = 0;
  /** Frames that it read. */
  readonly heard: string[] = [];
  simulated = false;
  /** Answers nothing until it is reset. */
  hung = false;
  /** Changes what it answers. */
  answer: (request: Frame, honest: Frame) => Frame | undefined = (_, honest) => honest;
  line: BenchLine | undefined;

  constructor(id: string, uart = false) {
    this.id = id;
    this.uart = uart;
  }

  get boot(): string {
    return this.boots.toString(16).padStart(8, "0");
  }

  restart(reason: string): void {
    this.boots += 1;
    this.baud = 115_200;
    this.hung = false;
    this.say(encodeFrame({ seq: 0, verb: "BOOT", args: [this.boot, reason] }));
  }

  /** Bytes to whoever has the port open. */
  say(bytes: Uint8Array | string): void {
    this.line?.deliver(Buffer.from(bytes), this.baud);
  }

  hears(frame: Frame): void {
    this.heard.push(frame.verb);
    if (this.hung) return;
    const reply = this.answer(frame, this.#honest(frame));
    if (reply !== undefined) this.say(encodeFrame(reply));
    if (frame.verb === "RESET") this.restart("software");
    if (frame.verb === "BAUD" && reply?.verb === "OK") this.baud = Number(frame.args[0]);
  }

  #honest({ seq, verb, args }: Frame): Frame {
    const reply = (...words: string[]): Frame => ({ seq, verb: "OK", args: [this.boot, ...words] });
    switch (verb) {
      case "HELLO":
        return reply(
          ...["proto=1", `nonce=${args[1]}`, "firmware=bench/1", `device=${this.id}`],
          ...["maxLine=2304", "maxReply=2304", "lines=8", "bytes=4096", "maxBlock=1024"],
          ...(this.simulated ? ["simulated=1"] : []),
          ...(this.uart ? ["caps=hash,reset,baud", "rates=115200,921600"] : ["caps=hash,reset"]),
        );
      case "HASH":
        return reply(Buffer.from(sha256(Buffer.from(args[0] ?? "", "hex"))).toString("hex"));
      case "BAUD":
        return reply(args[0] ?? "");
      case "PING":
      case "LOG":
      case "RESET":
        return reply();
      default:
        return { seq, verb: "ERR", args: [this.boot, "VERB", "unknown"] };
    }
  }
}

/** Which board is plugged where. */
export class Bench {
  readonly boards = new Map<string, Board>();
  /** Ports that are open. */
  readonly open = new Set<string>();
  /** Rates at which ports were opened, in order. */
  readonly openedAt: string[] = [];
  #plugs = 0;
  readonly #marks = new Map<string, string>();

  readonly parts: ConnectParts = {
    plugMarks: async (ports) => new Map([...this.#marks].filter(([port]) => ports.includes(port))),
    findPorts: async () => [...this.boards.keys()].sort().map((path) => ({ path })),
    openPort: async (options) => this.#openPort(options),
  };

  /** With the cable comes power. */
  plug(path: string, board: Board): void {
    this.#plugs += 1;
    this.#marks.set(path, String(this.#plugs));
    this.boards.set(path, board);
    board.restart("power-on");
  }

  unplug(path: string): void {
    const board = this.boards.get(path);
    this.boards.delete(path);
    this.#marks.delete(path);
    void board?.line?.end(new Error("the device hung up"));
  }

  /** The host's end of the line is gone, and the board has not noticed. */
  loseHost(path: string): void {
    this.boards.get(path)?.line?.end(new Error("Input/output error"));
  }

  #openPort({ path, baud }: { readonly path: string; readonly baud: number; readonly clock: Clock }): BenchLine {
    const board = this.boards.get(path);
    if (board === undefined) throw new DeviceError("DEVICE_ABSENT", `${path}: no such file`);
    if (this.open.has(path)) throw new DeviceError("DEVICE_OPEN", `${path}: Cannot lock port`);
    this.open.add(path);
    this.openedAt.push(`${path}@${baud}`);
    const line = new BenchLine(path, baud, board, () => this.open.delete(path));
    board.line = line;
    return line;
  }
}

export class BenchLine implements SerialLine {
  readonly name: string;
  readonly staysUpOnClose = true;
  readonly #board: Board;
  readonly #ended: () => void;
  readonly #decoder = new LineDecoder(65_536);
  #baud: number;
  #over: Error | undefined;
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};

  constructor(name: string, baud: number, board: Board, ended: () => void) {
    this.name = name;
    this.#baud = baud;
    this.#board = board;
    this.#ended = ended;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    const heard = this.#baud === this.#board.baud || !this.#board.uart ? bytes : garbled(bytes);
    for (const event of this.#decoder.push(Buffer.from(heard))) {
      if (event.kind === "frame") this.#board.hears(event.frame);
    }
  }

  /** What the board sends at its rate arrives as it is at the same rate only. */
  deliver(bytes: Uint8Array, baud: number): void {
    const chunk = baud === this.#baud || !this.#board.uart ? bytes : garbled(bytes);
    setImmediate(() => {
      if (this.#over === undefined) this.#onChunk(Buffer.from(chunk));
    });
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
    if (this.#over !== undefined) listener(this.#over);
  }

  async setRate(baud: number): Promise<void> {
    this.#baud = baud;
  }

  async resetBoard(): Promise<void> {
    this.#board.pulses += 1;
    this.#board.restart("power-on");
  }

  async close(): Promise<void> {
    this.end(new Error("the port was closed"));
  }

  end(reason: Error): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    if (this.#board.line === this) this.#board.line = undefined;
    this.#ended();
    this.#onClose(reason);
  }
}

/** Another rate samples the same levels at other moments: nothing readable is left. */
function garbled(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0xa5);
}
