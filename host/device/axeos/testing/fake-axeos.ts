/**
 * A simulated miner's HTTP interface on loopback. It takes settings as the version it plays does: with a table of
 * pools it ignores the top-level ones, works for a changed pool only after a restart, and hides passwords.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Info = Record<string, unknown>;

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

const POOL_FIELDS = /^(fallback)?(s|S)tratum/;
const DEFAULTS = { stratumProtocol: "SV1", stratumPassword: "x", stratumTLS: 0, stratumSuggestedDifficulty: 0 };

export class FakeAxeos {
  readonly requests: FakeRequest[] = [];
  restarts = 0;
  /** Takes requests for settings and does nothing. */
  deaf = false;
  /** Settings that it leaves as they are. */
  readonly stubborn = new Set<string>();
  /** Answers a request in its own way; true if it has. */
  handler: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  #info: Info;
  readonly #server: Server;

  private constructor(info: Info) {
    this.#info = structuredClone(info);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Starts on a free port of 127.0.0.1. */
  static async start(info: Readonly<Info>): Promise<FakeAxeos> {
    const fake = new FakeAxeos({ ...info });
    await new Promise<void>((resolve) => {
      fake.#server.listen(0, "127.0.0.1", resolve);
    });
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get info(): Readonly<Info> {
    return this.#info;
  }

  set(values: Readonly<Info>): void {
    this.#info = { ...this.#info, ...values };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.handler?.(request, response)) return;
    const text = await textOf(request);
    const [method, path] = [request.method ?? "", request.url ?? ""];
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    this.requests.push({ method, path, body });
    const [status, answer] = this.#answer(method, path, body);
    response.writeHead(status, { "Content-Type": "application/json" }).end(answer);
  }

  #answer(method: string, path: string, body: unknown): readonly [number, string] {
    if (method === "GET" && path === "/api/system/info") return [200, JSON.stringify(this.#shown())];
    if (method === "GET" && path === "/api/system/asic") return [200, JSON.stringify({ ASICModel: "BM1366" })];
    if (method === "PATCH" && path === "/api/system") return this.#patch(body as Info);
    if (method === "POST" && path === "/api/system/restart") return this.#restart();
    if (method === "POST" && "miningPaused" in this.#info && /\/(pause|resume)$/.test(path)) {
      this.#info.miningPaused = path.endsWith("pause");
      return [200, "{}"];
    }
    const slot = /^\/api\/system\/pools\/([0-7])$/.exec(path)?.[1];
    if (method === "DELETE" && slot !== undefined && this.#hasSlots()) return this.#delete(Number(slot));
    return [404, '{"error":"unknown route"}'];
  }

  #hasSlots(): boolean {
    return Array.isArray(this.#info.pools);
  }

  #slots(): Info[] {
    return (this.#info.pools ?? []) as Info[];
  }

  #shown(): Info {
    if (!this.#hasSlots()) return this.#info;
    const pools = this.#slots().map((slot) => ({ ...slot, stratumPassword: "*****" }));
    const primary = this.#slots().find((slot) => slot.id === this.#info.primaryPoolIndex);
    const { stratumURL, stratumPort, stratumUser } = primary ?? {};
    return { ...this.#info, pools, stratumURL, stratumPort, stratumUser };
  }

  #patch(body: Info): readonly [number, string] {
    if (this.deaf) return [200, ""];
    for (const [name, value] of Object.entries(body)) {
      if (this.stubborn.has(name)) continue;
      if (name === "pools") this.#setSlots(value as Info[]);
      else if (name.endsWith("Password")) continue;
      else if (!(this.#hasSlots() && POOL_FIELDS.test(name)) && name in this.#info) this.#info[name] = value;
    }
    return [200, ""];
  }

  #setSlots(given: readonly Info[]): void {
    const others = this.#slots().filter((slot) => !given.some(({ id }) => id === slot.id));
    const all: Info[] = [...others, ...given.map((slot) => ({ ...DEFAULTS, ...slot }))];
    this.#info.pools = all.sort((a, b) => Number(a.id) - Number(b.id));
  }

  #restart(): readonly [number, string] {
    this.restarts += 1;
    this.#info.uptimeSeconds = 2;
    return [200, '{"message":"System will restart shortly."}'];
  }

  #delete(id: number): readonly [number, string] {
    if (id === this.#info.primaryPoolIndex || id === this.#info.secondaryPoolIndex) return [400, "selected"];
    this.#info.pools = this.#slots().filter((slot) => slot.id !== id);
    return [200, '{"message":"Pool cleared successfully"}'];
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
