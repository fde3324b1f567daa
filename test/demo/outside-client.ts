/** A subscriber as anybody outside would write one: plain MQTT, and the published JSON Schemas. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";

const SCHEMAS = resolve(import.meta.dirname, "../../host/mqtt/schemas");
const KINDS = ["status", "info", "health", "result", "seal", "event", "reply"] as const;

export interface Received {
  /** First part of the topic after the prefix: result, seal, event, health, status, info, reply. */
  readonly kind: string;
  /** The CloudEvent's: a redelivery has the same. */
  readonly id: string;
  readonly data: Record<string, unknown>;
  /** What its schema says against it. */
  readonly complaints: readonly string[];
  /** When it came, ms since 1970. */
  readonly atMs: number;
}

export interface ClientOptions {
  /** A name under which a persistent broker keeps what is published while the connection is away; MQTT 5. */
  readonly session?: string;
}

export class OutsideClient {
  readonly received: Received[] = [];
  readonly #client: MqttClient;
  readonly #prefix: string;
  readonly #wakers = new Set<() => void>();

  private constructor(client: MqttClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  /** Connects and subscribes to everything below `prefix`; tries until the broker is there. */
  static async open(
    url: string,
    prefix: string,
    deadlineMs: number,
    options: ClientOptions = {},
  ): Promise<OutsideClient> {
    const client = await connectPatiently(url, Date.now() + deadlineMs, connectionOf(options));
    const outside = new OutsideClient(client, prefix);
    const check = schemaChecks();
    client.on("error", () => {});
    client.on("message", (topic, payload) => outside.#take(topic, payload, check));
    await client.subscribeAsync(`${prefix}/#`, { qos: 1 });
    return outside;
  }

  of(kind: string): Received[] {
    return this.received.filter((message) => message.kind === kind);
  }

  /** Sends a command and waits for its reply. @throws Error at the deadline */
  async ask(command: string, data: object, deadlineMs: number): Promise<Received["data"]> {
    const id = randomUUID();
    const reply = () => this.of("reply").find((message) => message.data.id === id);
    await this.#client.publishAsync(`${this.#prefix}/cmd/${command}`, JSON.stringify({ id, ...data }), { qos: 1 });
    await this.until(`reply to ${command}`, deadlineMs, () => reply() !== undefined);
    return reply()?.data ?? {};
  }

  /** Waits until `ready` holds. @throws Error that names `what` at the deadline */
  async until(what: string, deadlineMs: number, ready: () => boolean): Promise<void> {
    const until = Date.now() + deadlineMs;
    while (!ready()) {
      const leftMs = until - Date.now();
      if (leftMs <= 0) throw new Error(`no ${what} within ${deadlineMs / 1000} s`);
      let wake = () => {};
      const message = new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.#wakers.add(wake);
      await Promise.race([message, sleep(Math.min(leftMs, 500))]);
      this.#wakers.delete(wake);
    }
  }

  async close(): Promise<void> {
    await this.#client.endAsync();
  }

  #take(topic: string, payload: Buffer, check: (kind: string, message: unknown) => string[]): void {
    const [kind = ""] = topic.slice(this.#prefix.length + 1).split("/");
    // Commands come back to whoever subscribes to everything.
    if (kind === "cmd") return;
    const message = JSON.parse(payload.toString("utf8")) as Pick<Received, "id" | "data">;
    const complaints = check(kind, message);
    this.received.push({ kind, id: message.id, data: message.data, complaints, atMs: Date.now() });
    for (const wake of this.#wakers) wake();
  }
}

function connectionOf({ session }: ClientOptions): IClientOptions {
  // The embedded broker speaks MQTT 3.1.1.
  if (session === undefined) return { protocolVersion: 4, reconnectPeriod: 0 };
  return {
    protocolVersion: 5,
    clientId: session,
    clean: false,
    reconnectPeriod: 200,
    properties: { sessionExpiryInterval: 7200 },
  };
}

async function connectPatiently(url: string, until: number, options: IClientOptions): Promise<MqttClient> {
  for (;;) {
    try {
      return await connectAsync(url, { ...options, connectTimeout: 2000 });
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(100);
    }
  }
}

function schemaChecks(): (kind: string, message: unknown) => string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  addFormats.default(ajv);
  const checks = new Map<string, ReturnType<typeof ajv.compile>>(
    KINDS.map((kind) => {
      const schema = JSON.parse(readFileSync(resolve(SCHEMAS, `${kind}.schema.json`), "utf8")) as object;
      return [kind, ajv.compile(schema)] as const;
    }),
  );
  return (kind, message) => {
    const check = checks.get(kind);
    if (check === undefined) return [`${kind} has no published schema`];
    return check(message) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
}
