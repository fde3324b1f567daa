/** Serves figures and verdict over HTTP: `GET /metrics`, `/health` and `/ready`, nothing else. It has no password. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { errorMessage } from "../base/error.ts";
import type { HealthData } from "../mqtt/messages.ts";
import { HealthError } from "./errors.ts";
import { metricsOf } from "./metrics.ts";

export interface MetricsSource {
  /** The last health message; undefined before the first. */
  readonly health: () => HealthData | undefined;
  /** Whether images are served right, by a check that passed lately. */
  readonly proven: () => boolean;
}

export interface MetricsOptions extends MetricsSource {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** A scraper needs one connection and asks every few seconds. */
const CONNECTIONS_MAX = 16;
const HEADER_BYTES_MAX = 8_192;
const REQUEST_MS = 5_000;
const ANSWER_MS = 10_000;

export class MetricsServer {
  readonly #source: MetricsSource;
  readonly #server: Server;

  private constructor(source: MetricsSource) {
    this.#source = source;
    const limits = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
    };
    this.#server = createServer(limits, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    // A reader that does not read does not keep its place.
    this.#server.setTimeout(ANSWER_MS);
  }

  /** @throws HealthError METRICS_LISTEN */
  static async listen({ host, port, ...source }: MetricsOptions): Promise<MetricsServer> {
    const metrics = new MetricsServer(source);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Also later: an error without a listener would end the whole appliance.
    metrics.#server.on("error", reject);
    metrics.#server.listen({ host, port }, resolve);
    try {
      await promise;
    } catch (error) {
      throw new HealthError("METRICS_LISTEN", `${host} port ${port}: ${errorMessage(error)}`, { cause: error });
    }
    return metrics;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection. Idempotent, never rejects. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A body is not for us, and is not read.
    const path = request.method === "GET" ? request.url : undefined;
    if (path === "/metrics") return this.#figures(response);
    if (path === "/health" || path === "/ready") return this.#verdict(response, path);
    answer(response, 404, "Only GET /metrics, /health and /ready.\n");
  }

  async #figures(response: ServerResponse): Promise<void> {
    const health = this.#source.health();
    if (health === undefined) return answer(response, 503, "No figures yet.\n");
    const set = metricsOf(health);
    answer(response, 200, await set.text(), set.contentType);
  }

  /** `/ready`: images are served right. `/health`: and new ones are taken. */
  #verdict(response: ServerResponse, path: "/health" | "/ready"): void {
    const proven = this.#source.proven();
    const { state = null, modes = [] } = this.#source.health() ?? {};
    const good = proven && (path === "/ready" || (state !== null && state !== "failing"));
    answer(response, good ? 200 : 503, `${JSON.stringify({ proven, state, modes })}\n`, "application/json");
  }
}

function answer(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  const close = status === 200 ? {} : { Connection: "close" };
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text), ...close }).end(text);
}
