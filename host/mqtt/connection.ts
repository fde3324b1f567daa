/**
 * One connection to a broker, from CONNECT to its end; the only module that knows MQTT.js.
 *
 * A connection that ended is never used again: MQTT.js keeps queues, stores and timers across reconnects of its
 * own, and loses or floods messages with them. Nothing here survives, the outbox does.
 */
import mqtt from "mqtt";
import { errorMessage } from "../base/error.ts";
import type { OutboxMessage } from "../store/schema.ts";
import { MqttError, type MqttErrorCode } from "./errors.ts";

export type ProtocolVersion = 4 | 5;

export interface ConnectionOptions {
  /** mqtt://host:port or mqtts://host:port. */
  readonly url: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed the broker's certificate; else the public ones. */
  readonly ca?: string;
  /** From the first packet to CONNACK, in ms. */
  readonly connectDeadlineMs: number;
  /** Every PUBACK and SUBACK, in ms; missing it ends the connection. */
  readonly ackDeadlineMs: number;
  /** The broker publishes it when the connection ends without a DISCONNECT. */
  readonly will?: OutboxMessage;
}

export interface Arrived {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
  readonly qos: number;
  /** MQTT 5 only. */
  readonly contentType: string | undefined;
  /** MQTT 5 only. */
  readonly expiryS: number | undefined;
}

const KEEPALIVE_S = 30;
const WAITING_MAX = 1000;
/** What a 3.1.1 broker is given at once; an MQTT 5 broker says it itself. */
const IN_FLIGHT_3_1_1 = 100;

/**
 * Connects with the version that worked last, and with the other when the broker refuses that one.
 * @throws MqttError
 */
export async function openConnection(
  options: ConnectionOptions,
  first: ProtocolVersion,
  signal?: AbortSignal,
): Promise<Connection> {
  try {
    return await Connection.open(options, first, signal);
  } catch (error) {
    if (!(error instanceof MqttError) || error.code !== "MQTT_PROTOCOL_VERSION") throw error;
    return await Connection.open(options, first === 5 ? 4 : 5, signal);
  }
}

export class Connection {
  readonly protocolVersion: ProtocolVersion;
  /** Settles, with the reason, when the connection is over. */
  readonly closed: Promise<MqttError>;
  readonly #client: mqtt.MqttClient;
  readonly #ackDeadlineMs: number;
  readonly #inFlightMax: number;
  readonly #waiting: (() => void)[] = [];
  readonly #pending = new Set<(reason?: MqttError) => void>();
  #inFlight = 0;
  #end: (reason: MqttError) => void = () => {};
  #over: MqttError | undefined;

  private constructor(client: mqtt.MqttClient, options: ConnectionOptions, connack: mqtt.IConnackPacket) {
    this.#client = client;
    this.#ackDeadlineMs = options.ackDeadlineMs;
    this.protocolVersion = client.options.protocolVersion === 5 ? 5 : 4;
    // MQTT.js does not heed it, and a broker may hang up on who exceeds it (MQTT 5, §4.9).
    this.#inFlightMax = connack.properties?.receiveMaximum ?? IN_FLIGHT_3_1_1;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    client.on("error", (error) => this.#finish(translate(error)));
    client.on("disconnect", ({ reasonCode }) => this.#finish(disconnected(reasonCode)));
    client.on("close", () => this.#finish(new MqttError("MQTT_LOST", `${options.url} closed the connection`)));
  }

  static open(options: ConnectionOptions, version: ProtocolVersion, signal?: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const client = mqtt.connect(options.url, clientOptions(options, version));
      const settle = () => {
        signal?.removeEventListener("abort", onAbort);
        client.off("error", onError).off("close", onClose).off("connect", onConnect);
      };
      const fail = (error: MqttError) => {
        settle();
        discard(client);
        reject(error);
      };
      const onAbort = () => fail(new MqttError("MQTT_STOPPED", "the connection was given up"));
      const onError = (error: Error) => fail(translate(error));
      const onClose = () => fail(new MqttError("MQTT_UNREACHABLE", `${options.url} did not answer CONNECT`));
      const onConnect = (connack: mqtt.IConnackPacket) => {
        settle();
        resolve(new Connection(client, options, connack));
      };
      client.on("error", onError).on("close", onClose).on("connect", onConnect);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /**
   * Resolves when the broker has it: at PUBACK for QoS 1, once written for QoS 0. Messages leave in the order of the calls.
   * @throws MqttError MQTT_REFUSED; anything else means that the connection is over
   */
  async publish(message: OutboxMessage): Promise<void> {
    const { topic, qos, retain, payload, contentType, expiryS } = message;
    const properties = {
      contentType,
      payloadFormatIndicator: true,
      ...(expiryS === null ? {} : { messageExpiryInterval: expiryS }),
    };
    const v5 = this.protocolVersion === 5 ? { properties } : {};
    if (qos === 1) await this.#slot();
    try {
      await this.#acknowledged((done) => this.#client.publish(topic, asBuffer(payload), { qos, retain, ...v5 }, done));
    } finally {
      if (qos === 1) this.#freeSlot();
    }
  }

  /** @throws MqttError MQTT_REFUSED, or why the connection is over */
  async subscribe(filter: string, onMessage: (message: Arrived) => void): Promise<void> {
    this.#client.on("message", (topic, payload, packet) => {
      onMessage({
        topic,
        payload,
        retained: packet.retain,
        qos: packet.qos,
        contentType: packet.properties?.contentType,
        expiryS: packet.properties?.messageExpiryInterval,
      });
    });
    await this.#acknowledged((done) => this.#client.subscribe(filter, { qos: 1 }, done));
  }

  /** Says DISCONNECT, so that the last will is not published, and waits for the socket to close. */
  async close(): Promise<void> {
    if (this.#over !== undefined) return;
    const timer = setTimeout(() => this.#finish(stopped()), this.#ackDeadlineMs);
    this.#client.end(false, {}, () => this.#finish(stopped()));
    await this.closed;
    clearTimeout(timer);
  }

  /** Drops the connection without a word. */
  abort(): void {
    this.#finish(stopped());
  }

  async #slot(): Promise<void> {
    if (this.#inFlight < this.#inFlightMax) {
      this.#inFlight += 1;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) throw new MqttError("MQTT_BUSY", `${WAITING_MAX} messages wait already`);
    // The slot passes from the one that is done straight to the one that waited longest.
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #freeSlot(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inFlight -= 1;
    else next();
  }

  #acknowledged(send: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => {
      const settle = (error?: MqttError) => {
        if (!this.#pending.delete(settle)) return;
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
      const timer = setTimeout(() => {
        this.#finish(new MqttError("MQTT_DEADLINE", `no acknowledgement within ${this.#ackDeadlineMs} ms`));
      }, this.#ackDeadlineMs);
      this.#pending.add(settle);
      send((error) => settle(error == null ? undefined : translate(error)));
    });
  }

  #finish(reason: MqttError): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    for (const settle of this.#pending) settle(reason);
    discard(this.#client);
    this.#end(reason);
  }
}

function clientOptions(options: ConnectionOptions, protocolVersion: ProtocolVersion): mqtt.IClientOptions {
  const { clientId, username, password, ca, connectDeadlineMs, will } = options;
  return {
    clientId,
    protocolVersion,
    clean: true,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: 0,
    queueQoSZero: false,
    connectTimeout: connectDeadlineMs,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(will === undefined ? {} : { will: willOf(will, protocolVersion) }),
  };
}

function willOf({ topic, qos, retain, payload, contentType }: OutboxMessage, version: ProtocolVersion) {
  const properties = { contentType, payloadFormatIndicator: true };
  return { topic, qos, retain, payload: asBuffer(payload), ...(version === 5 ? { properties } : {}) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Ends a client for good; what it still has to say is of no interest. */
function discard(client: mqtt.MqttClient): void {
  client.on("error", () => {});
  client.end(true);
  // After an `end` that waits for the broker, a forced one leaves the socket open until the keepalive gives up.
  client.stream?.destroy();
}

function stopped(): MqttError {
  return new MqttError("MQTT_STOPPED", "the connection was closed from here");
}

function disconnected(reasonCode: number | undefined): MqttError {
  const code = reasonCode === 0x8e ? "MQTT_TAKEN_OVER" : "MQTT_LOST";
  return new MqttError(code, `the broker said DISCONNECT with reason ${reasonCode ?? 0}`);
}

function translate(error: Error): MqttError {
  if (error instanceof MqttError) return error;
  const code = "code" in error ? error.code : undefined;
  const detail = errorMessage(error) || String(code);
  if (typeof code === "number") return new MqttError(refusalCode(code), detail, { cause: error });
  if (typeof code === "string" && /CERT|SSL|TLS|EPROTO|SIGNATURE/.test(code)) {
    return new MqttError("MQTT_TLS", `${detail} (${code})`, { cause: error });
  }
  if (/timeout/i.test(detail)) return new MqttError("MQTT_DEADLINE", detail, { cause: error });
  return new MqttError(typeof code === "string" ? "MQTT_UNREACHABLE" : "MQTT_LOST", detail, { cause: error });
}

/** CONNACK return codes of 3.1.1 (1–5) and reason codes of MQTT 5 (§2.4). */
function refusalCode(code: number): MqttErrorCode {
  switch (code) {
    case 0x01:
    case 0x84:
      return "MQTT_PROTOCOL_VERSION";
    case 0x04:
    case 0x05:
    case 0x86:
    case 0x8a:
    case 0x8c:
      return "MQTT_AUTH";
    case 0x03:
    case 0x88:
    case 0x89:
      return "MQTT_UNREACHABLE";
    default:
      return "MQTT_REFUSED";
  }
}
