/** A subscriber as anybody outside would write one: plain MQTT, and the published JSON Schemas. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { connectAsync, type MqttClient } from "mqtt";

const SCHEMAS = resolve(import.meta.dirname, "../../host/mqtt/schemas");

export interface Received {
  /** Last part of the topic: result, event, health, status, info. */
  readonly kind: string;
  readonly data: Record<string, unknown>;
  /** What its schema says against it. */
  readonly complaints: readonly string[];
}

export class OutsideClient {
  readonly received: Received[] = [];
  readonly #client: MqttClient;
  readonly #wakers = new Set<() => void>();

  private constructor(client: MqttClient) {
    this.#client = client;
  }

  /** Connects and subscribes to everything below `prefix`; tries until the broker is there. */
  static async open(url: string, prefix: string, deadlineMs: number): Promise<OutsideClient> {
    const until = Date.now() + deadlineMs;
    const client = await connectPatiently(url, until);
    const outside = new OutsideClient(client);
    const check = schemaChecks();
    client.on("message", (topic, payload) => {
      const kind = topic.slice(prefix.length + 1);
      const message = JSON.parse(payload.toString("utf8")) as { readonly data: Record<string, unknown> };
      outside.received.push({ kind, data: message.data, complaints: check(kind, message) });
      for (const wake of outside.#wakers) wake();
    });
    await client.subscribeAsync(`${prefix}/#`, { qos: 1 });
    return outside;
  }

  of(kind: string): Received[] {
    return this.received.filter((message) => message.kind === kind);
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
}

async function connectPatiently(url: string, until: number): Promise<MqttClient> {
  for (;;) {
    try {
      // The embedded broker speaks MQTT 3.1.1.
      return await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 2000 });
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(100);
    }
  }
}

function schemaChecks(): (kind: string, message: unknown) => string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  addFormats.default(ajv);
  const checks = new Map(
    ["status", "info", "health", "result", "event"].map((kind) => {
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
