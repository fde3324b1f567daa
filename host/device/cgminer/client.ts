/** cgminer's interface on TCP 4028: one question a connection, the answer ends with NUL or with the connection. */
import { connect, isIP } from "node:net";
import { errorMessage } from "../../base/error.ts";
import type { RequestOptions } from "../device.ts";
import { CgminerError } from "./errors.ts";
import { parseReply, type Rows } from "./reply.ts";
import { type CgminerReading, readAntminer } from "./stats.ts";

/** The largest answer that is read; an S9's `stats` has about 5 KiB. */
export const ANSWER_BYTES_MAX = 65_536;
const PORT = 4028;
const DEADLINE_MS = 5_000;
const NUL = 0;

export interface CgminerOptions {
  /** Numeric address. */
  readonly host: string;
  /** Default 4028. */
  readonly port?: number;
  /** Whether this address may be asked; `isLocalAddress` is for most. */
  readonly allowed: (address: string) => boolean;
  /** For one question, in ms; default 5,000. */
  readonly deadlineMs?: number;
}

/** Questions that change nothing. Others need write access, which is not to be opened. */
const LISTS = { stats: "STATS", summary: "SUMMARY", pools: "POOLS", version: "VERSION" } as const;
export type Question = keyof typeof LISTS;

export class CgminerClient {
  readonly #options: CgminerOptions;

  constructor(options: CgminerOptions) {
    this.#options = options;
  }

  get address(): string {
    return `${this.#options.host}:${this.#options.port ?? PORT}`;
  }

  /** @throws CgminerError */
  async ask(question: Question, options?: RequestOptions): Promise<Rows> {
    return parseReply(await this.#exchange(question, options), LISTS[question]);
  }

  /**
   * Asks for all that a reading is made of, one after the other; what is not answered is unknown.
   *
   * @throws CgminerError if there are no `stats`
   */
  async reading(options?: RequestOptions): Promise<CgminerReading> {
    const stats = await this.ask("stats", options);
    const summary = await this.#askIfAny("summary", options);
    const pools = await this.#askIfAny("pools", options);
    return readAntminer({ stats, summary, pools });
  }

  async #askIfAny(question: Question, options?: RequestOptions): Promise<Rows> {
    try {
      return await this.ask(question, options);
    } catch (error) {
      if (error instanceof CgminerError) return [];
      throw error;
    }
  }

  #exchange(question: Question, options: RequestOptions = {}): Promise<string> {
    const { host, port = PORT, allowed } = this.#options;
    if (isIP(host) === 0 || !allowed(host)) {
      throw new CgminerError("CGMINER_ADDRESS", `${host} is not a numeric address of the local network`);
    }
    options.signal?.throwIfAborted();
    const deadline = AbortSignal.timeout(options.deadlineMs ?? this.#options.deadlineMs ?? DEADLINE_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    const what = `"${question}" to ${this.address}`;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      const socket = connect({ host, port });
      const onAbort = () =>
        fail(
          deadline.aborted ? new CgminerError("CGMINER_DEADLINE", `${what} was not answered in time`) : signal.reason,
        );
      const settle = () => {
        signal.removeEventListener("abort", onAbort);
        socket.destroy();
      };
      const done = () => {
        settle();
        resolve(Buffer.concat(chunks).toString("utf8"));
      };
      const fail = (error: unknown) => {
        settle();
        reject(error);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      socket.on("connect", () => socket.write(`{"command":"${question}"}`));
      socket.on("data", (chunk) => {
        sizeBytes += chunk.length;
        if (sizeBytes > ANSWER_BYTES_MAX) {
          fail(new CgminerError("CGMINER_SIZE", `${what} was answered with more than ${ANSWER_BYTES_MAX} bytes`));
          return;
        }
        chunks.push(chunk);
        if (chunk.includes(NUL)) done();
      });
      socket.on("end", done);
      socket.on("error", (error) =>
        fail(new CgminerError("CGMINER_UNREACHABLE", `${what} failed: ${errorMessage(error)}`, { cause: error })),
      );
    });
  }
}
