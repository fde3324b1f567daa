/** A bad line between one miner and the pool: it breaks, stalls, drips, and puts in shares that must not count. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import type { LineFault } from "./plan.ts";
import { Connection, type ShareBook } from "./shares.ts";

export interface LineOptions {
  /** The pool's, on this machine. */
  readonly poolPort: number;
  readonly book: ShareBook;
  readonly seeded: Seeded;
  /** How long a stall lasts at most, in ms. */
  readonly stallMs: number;
}

/** Ids of what the line itself says, far from any miner's. */
const OWN_IDS = 1_000_000_000;
const DRIP_BYTES = 40;
const DRIPS = 20;

/** Cuts a stream into lines. */
function lineReader(take: (line: string) => void): (chunk: Buffer) => void {
  let text = "";
  return (chunk) => {
    const lines = (text + chunk.toString("utf8")).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) take(line);
  };
}

/** One connection through the line. */
class Crossing {
  readonly seen: Connection;
  readonly #miner: Socket;
  readonly #pool: Socket;
  readonly #seeded: Seeded;
  #order = Promise.resolve();
  #drips = 0;
  #ownIds = OWN_IDS;
  #lastShare: readonly unknown[] | undefined;

  constructor(miner: Socket, { poolPort, book, seeded }: LineOptions, ended: () => void) {
    this.#miner = miner;
    this.#seeded = seeded;
    this.#pool = connect({ port: poolPort, host: "127.0.0.1", noDelay: true });
    this.seen = new Connection(book);
    miner.on(
      "data",
      lineReader((line) => this.#fromMiner(line)),
    );
    this.#pool.on(
      "data",
      lineReader((line) => this.#fromPool(line)),
    );
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      this.cut();
      this.seen.over();
      ended();
    };
    for (const socket of [miner, this.#pool]) socket.on("error", () => {}).on("close", end);
  }

  cut(): void {
    this.#miner.destroy();
    this.#pool.destroy();
  }

  stall(ms: number): void {
    this.#order = this.#order.then(() => sleep(ms));
  }

  drip(): void {
    this.#drips = DRIPS;
  }

  halfLine(): void {
    const { writable } = this.#pool;
    if (writable) this.#pool.write('{"id":7,"method":"mining.submit","par', () => this.cut());
  }

  /** A share that the miner never found. */
  putIn(kind: LineFault, foreign: readonly unknown[] | undefined): boolean {
    const params = this.#wrongShare(kind, foreign);
    if (params === undefined) return false;
    this.#ownIds += 1;
    const line = JSON.stringify({ id: this.#ownIds, method: "mining.submit", params });
    this.#write(this.#pool, line, () => this.seen.sent(line, false));
    return true;
  }

  get lastShare(): readonly unknown[] | undefined {
    return this.#lastShare;
  }

  #wrongShare(kind: LineFault, foreign: readonly unknown[] | undefined): readonly unknown[] | undefined {
    const job = this.seen.jobs.at(-1);
    const old = this.seen.jobs.at(-3);
    const last = this.#lastShare;
    const hex = (bytes: number) => this.#seeded.bytes(bytes).toString("hex");
    if (job === undefined) return undefined;
    const share = [this.seen.worker, job.id, hex(4), job.ntime, hex(4), "00002000"];
    if (kind === "duplicate") return last;
    if (kind === "stale") return old === undefined ? undefined : share.with(1, old.id);
    if (kind === "foreign") return foreign?.with(0, this.seen.worker);
    if (kind === "long-extranonce") return share.with(2, hex(5));
    if (kind === "unknown-bits") return share.with(5, "00000001");
    return share;
  }

  #fromMiner(line: string): void {
    const message = JSON.parse(line);
    if (message.method === "mining.submit") this.#lastShare = message.params;
    this.#write(this.#pool, line, () => this.seen.sent(line, true));
  }

  #fromPool(line: string): void {
    this.seen.received(line);
    if (JSON.parse(line).id > OWN_IDS) return;
    this.#write(this.#miner, line, () => {});
  }

  /** In order, both ways: what a stall holds back comes after it. */
  #write(to: Socket, line: string, written: () => void): void {
    this.#order = this.#order.then(async () => {
      if (!to.writable) return;
      written();
      const text = `${line}\n`;
      if (this.#drips === 0) return void to.write(text);
      this.#drips -= 1;
      for (let at = 0; at < text.length; at += DRIP_BYTES) {
        to.write(text.slice(at, at + DRIP_BYTES));
        await sleep(1);
      }
    });
  }
}

export class FaultyLine {
  readonly #options: LineOptions;
  readonly #server: Server;
  #crossing: Crossing | undefined;

  private constructor(options: LineOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  static async listen(options: LineOptions): Promise<FaultyLine> {
    const line = new FaultyLine(options);
    await new Promise<void>((resolve, reject) => {
      line.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return line;
  }

  /** Where the miner connects. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The last share that the miner sent here: to others it is a foreign one. */
  get lastShare(): readonly unknown[] | undefined {
    return this.#crossing?.lastShare;
  }

  /** @returns whether there was something to do it to */
  suffer(fault: LineFault, foreign: readonly unknown[] | undefined): boolean {
    const crossing = this.#crossing;
    if (crossing === undefined) return false;
    switch (fault) {
      case "cut":
        crossing.cut();
        return true;
      case "half-line":
        crossing.halfLine();
        return true;
      case "stall":
        crossing.stall(500 + this.#options.seeded.below(this.#options.stallMs));
        return true;
      case "drip":
        crossing.drip();
        return true;
      default:
        return crossing.putIn(fault, foreign);
    }
  }

  close(): void {
    this.#crossing?.cut();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    // A miner has one connection at a time.
    this.#crossing?.cut();
    const crossing = new Crossing(socket, this.#options, () => {
      if (this.#crossing === crossing) this.#crossing = undefined;
    });
    this.#crossing = crossing;
  }
}
