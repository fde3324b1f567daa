/**
 * A miner's HTTP interface.
 *
 * It has no password, and what answers may be anything: addresses are checked after the name has been resolved,
 * redirects are not followed, answers and waits are bounded. One connection a request, as the firmware holds few.
 */
import { lookup } from "node:dns";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { isIP, type LookupFunction } from "node:net";
import { errorCode, errorMessage } from "../../base/error.ts";
import type { RequestOptions } from "../device.ts";
import { AxeosError } from "./errors.ts";
import { parseObject } from "./info.ts";

/** The largest answer that is read; the largest known is a v2.15 with eight pools and certificates. */
export const ANSWER_BYTES_MAX = 65_536;
const HEADER_BYTES_MAX = 8_192;
const DEADLINE_MS = 5_000;
/** The connection may break off when a miner restarts on request. */
const BROKEN_OFF = new Set(["ECONNRESET", "EPIPE"]);

export interface AxeosOptions {
  /** Name or address. */
  readonly host: string;
  /** Default 80. */
  readonly port?: number;
  /** Whether a request may go to this address; `isLocalAddress` is for most. */
  readonly allowed: (address: string) => boolean;
  /** For one request, in ms; default 5,000. */
  readonly deadlineMs?: number;
}

export type Json = Readonly<Record<string, unknown>>;
type Method = "GET" | "PATCH" | "POST" | "DELETE";

export class AxeosClient {
  readonly #options: AxeosOptions;

  constructor(options: AxeosOptions) {
    this.#options = options;
  }

  /** What was asked for, for messages. */
  get address(): string {
    return `${this.#options.host}:${this.#options.port ?? 80}`;
  }

  /** `GET /api/system/info`. @throws AxeosError */
  async info(options?: RequestOptions): Promise<Json> {
    return parseObject(await this.#ask("GET", "/api/system/info", undefined, options));
  }

  /** `GET /api/system/asic`, since v2.8. @throws AxeosError AXEOS_STATUS on older firmware */
  async asic(options?: RequestOptions): Promise<Json> {
    return parseObject(await this.#ask("GET", "/api/system/asic", undefined, options));
  }

  /** `PATCH /api/system`. That it succeeds does not say that anything was changed: read back. @throws AxeosError */
  async patch(settings: Json, options?: RequestOptions): Promise<void> {
    await this.#ask("PATCH", "/api/system", settings, options);
  }

  /** `DELETE /api/system/pools/ID`, since v2.15. @throws AxeosError */
  async deletePool(id: number, options?: RequestOptions): Promise<void> {
    await this.#ask("DELETE", `/api/system/pools/${id}`, undefined, options);
  }

  /** `POST /api/system/pause`, since v2.14: the chips are switched off. @throws AxeosError AXEOS_STATUS on older firmware */
  async pause(options?: RequestOptions): Promise<void> {
    await this.#ask("POST", "/api/system/pause", {}, options);
  }

  /** `POST /api/system/resume`, since v2.14. @throws AxeosError AXEOS_STATUS on older firmware */
  async resume(options?: RequestOptions): Promise<void> {
    await this.#ask("POST", "/api/system/resume", {}, options);
  }

  /** `POST /api/system/restart`. @throws AxeosError */
  async restart(options?: RequestOptions): Promise<void> {
    try {
      await this.#ask("POST", "/api/system/restart", {}, options);
    } catch (error) {
      const cause = error instanceof AxeosError ? error.cause : undefined;
      if (!BROKEN_OFF.has(errorCode(cause))) throw error;
    }
  }

  async #ask(method: Method, path: string, body: Json | undefined, options: RequestOptions = {}): Promise<string> {
    const deadline = AbortSignal.timeout(options.deadlineMs ?? this.#options.deadlineMs ?? DEADLINE_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    const what = `${method} ${path} at ${this.address}`;
    try {
      const answer = await this.#send(method, path, body, signal);
      const status = answer.statusCode ?? 0;
      const text = await readBounded(answer, what);
      if (status >= 200 && status < 300) return text;
      throw new AxeosError("AXEOS_STATUS", `${what} was answered with status ${status}`, { status });
    } catch (error) {
      if (error instanceof AxeosError) throw error;
      options.signal?.throwIfAborted();
      if (deadline.aborted) throw new AxeosError("AXEOS_DEADLINE", `${what} took too long`, { cause: error });
      throw new AxeosError("AXEOS_UNREACHABLE", `${what} failed: ${errorMessage(error)}`, { cause: error });
    }
  }

  #send(method: Method, path: string, body: Json | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const { host, port = 80, allowed } = this.#options;
    if (isIP(host) !== 0 && !allowed(host)) throw notAllowed(host);
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked: ClientRequest = request({
        host,
        port,
        method,
        path,
        agent: false,
        maxHeaderSize: HEADER_BYTES_MAX,
        lookup: checkedLookup(allowed),
        // The firmware reads the body by its announced length and knows no chunks.
        headers:
          text === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) },
        signal,
      });
      asked.on("response", resolve);
      asked.on("error", reject);
      asked.end(text);
    });
  }
}

function notAllowed(address: string): AxeosError {
  return new AxeosError("AXEOS_ADDRESS", `${address} is not an address of the local network`);
}

/** A name may stand for any address, and for another one each time: what is checked is what is connected to. */
function checkedLookup(allowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const wrong = addresses?.find(({ address }) => !allowed(address));
      const problem = error ?? (wrong === undefined ? null : notAllowed(wrong.address));
      const [first] = addresses ?? [];
      if (problem !== null || first === undefined) callback(problem ?? notAllowed(hostname), "", 0);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

async function readBounded(answer: IncomingMessage, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes > ANSWER_BYTES_MAX) {
      answer.destroy();
      throw new AxeosError("AXEOS_SIZE", `${what} was answered with more than ${ANSWER_BYTES_MAX} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
