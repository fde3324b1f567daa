/**
 * One connection to a broker, from CONNECT to its end; the only module that knows MQTT.js.
 *
 * A connection that ended is never used again: MQTT.js keeps queues, stores and timers across reconnects of its
 * own, and loses or floods messages with them. Nothing here survives, the outbox does.
 */
import mqtt from "mqtt";
import type { OutboxMessage } from "../store/schema.ts";
import { disconnected, refusedConnect, stopped, subscribeError, translate } from "./connection-errors.ts";
import { isRefusal, MqttError } from "./errors.ts";
import { packetBytes } from "./packet-size.ts";
import type { Ending } from "./takeover.ts";
import { matches } from "./topics.ts";

export type ProtocolVersion = 4 | 5;

/** How a client gets in. */
export interface BrokerAccess {
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed the broker's certificate; else the public ones. */
  readonly ca?: string;
  /** PEM of the client's own certificate, and of what is between it and the authority. */
  readonly cert?: string;
  /** PEM of that certificate's private key. */
  readonly key?: string;
  /** Name that the broker's certificate must have, where it is not the address's host. */
  readonly serverName?: string;
}

export interface ConnectionOptions extends BrokerAccess {
  /** mqtt://host:port or mqtts://host:port. */
  readonly url: string;
  readonly clientId: string;
  /** From the first packet to CONNACK, in ms. */
  readonly connectDeadlineMs: number;
  /** Every PUBACK and SUBACK, in ms; missing it ends the connection. */
  readonly ackDeadlineMs: number;
  /** The broker publishes it when the connection ends without a DISCONNECT. */
  readonly will?: OutboxMessage;
  /** A broker of MQTT 5 keeps larger messages to itself; default none. */
  readonly arrivingMaxBytes?: number;
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
  /** MQTT 5 only: where the sender would like the answer; untrusted. */
  readonly responseTopic: string | undefined;
  /** MQTT 5 only: what the sender would like to have back with it; untrusted. */
  readonly correlationData: Uint8Array | undefined;
}

export interface Outgoing extends OutboxMessage {
  /** Sent over MQTT 5 only. */
  readonly correlationData?: Uint8Array;
}

const KEEPALIVE_S = 30;
const WAITING_MAX = 1000;
/** What a 3.1.1 broker is given at once; an MQTT 5 broker says it itself. */
const IN_FLIGHT_3_1_1 = 100;

/**
 * Connects with the version given, and with the other when the broker refuses that one.
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
  /** `performance.now()` at CONNACK. */
  readonly openedMs = performance.now();
  readonly #client: mqtt.MqttClient;
  readonly #ackDeadlineMs: number;
  readonly #inFlightMax: number;
  /** What the broker takes, in bytes of a whole packet. */
  readonly #packetMaxBytes: number;
  readonly #waiting: (() => void)[] = [];
  readonly #pending = new Set<(reason?: MqttError) => void>();
  #inFlight = 0;
  #end: (reason: MqttError) => void = () => {};
  #over: MqttError | undefined;
  #refusedAny = false;
  #how: Pick<Ending, "unprovoked" | "reasoned"> = { unprovoked: false, reasoned: false };

  private constructor(client: mqtt.MqttClient, options: ConnectionOptions, connack: mqtt.IConnackPacket) {
    this.#client = client;
    this.#ackDeadlineMs = options.ackDeadlineMs;
    this.protocolVersion = client.options.protocolVersion === 5 ? 5 : 4;
    // MQTT.js does not heed them, and a broker may hang up on who exceeds them (MQTT 5, §4.9). None may be 0.
    this.#inFlightMax = connack.properties?.receiveMaximum || IN_FLIGHT_3_1_1;
    this.#packetMaxBytes = connack.properties?.maximumPacketSize || Number.POSITIVE_INFINITY;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    client.on("error", (error) => this.#finish(translate(error)));
    client.on("disconnect", ({ reasonCode }) => this.#finish(disconnected(reasonCode), true));
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
      const onError = (error: Error) => fail(refusedConnect(error));
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
   * @throws MqttError that `isRefusal`; anything else means that the connection is over
   */
  async publish(message: Outgoing): Promise<void> {
    const { topic, qos, retain, payload, contentType, expiryS, correlationData } = message;
    const bytes = packetBytes(message, this.protocolVersion);
    if (bytes > this.#packetMaxBytes) {
      throw new MqttError(
        "MQTT_TOO_LARGE",
        `a message of ${bytes} bytes, and the broker takes ${this.#packetMaxBytes}`,
      );
    }
    const properties = {
      contentType,
      payloadFormatIndicator: true,
      ...(expiryS === null ? {} : { messageExpiryInterval: expiryS }),
      ...(correlationData === undefined ? {} : { correlationData: asBuffer(correlationData) }),
    };
    const v5 = this.protocolVersion === 5 ? { properties } : {};
    if (qos === 1) await this.#slot();
    try {
      await this.#acknowledged((done) => this.#client.publish(topic, asBuffer(payload), { qos, retain, ...v5 }, done));
    } finally {
      if (qos === 1) this.#freeSlot();
    }
  }

  /**
   * @param asPublished `retained` also of a message that was published while the subscription stood (MQTT 5 only);
   *   else only of what the broker had kept
   * @throws MqttError that `isRefusal`, or why the connection is over
   */
  async subscribe(filter: string, onMessage: (message: Arrived) => void, asPublished = false): Promise<void> {
    this.#client.on("message", (topic, payload, { retain, qos, properties }) => {
      if (!matches(filter, topic)) return;
      onMessage({
        topic,
        payload,
        retained: retain,
        qos,
        contentType: properties?.contentType,
        expiryS: properties?.messageExpiryInterval,
        responseTopic: properties?.responseTopic,
        correlationData: properties?.correlationData,
      });
    });
    await this.#acknowledged((done) => {
      this.#client.subscribe(filter, { qos: 1, rap: asPublished }, (error) => done(error && subscribeError(error)));
    });
  }

  /** How it ended, once it is over. */
  get how(): Pick<Ending, "unprovoked" | "reasoned"> {
    return this.#how;
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
        if (isRefusal(error)) this.#refusedAny = true;
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

  #finish(reason: MqttError, reasoned = false): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#how = { unprovoked: this.#pending.size === 0 && !this.#refusedAny, reasoned };
    for (const settle of this.#pending) settle(reason);
    discard(this.#client);
    this.#end(reason);
  }
}

function clientOptions(options: ConnectionOptions, protocolVersion: ProtocolVersion): mqtt.IClientOptions {
  const { clientId, username, password, ca, cert, key, serverName, connectDeadlineMs, will, arrivingMaxBytes } =
    options;
  const limited = protocolVersion === 5 && arrivingMaxBytes !== undefined;
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
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(will === undefined ? {} : { will: willOf(will, protocolVersion) }),
    ...(limited ? { properties: { maximumPacketSize: arrivingMaxBytes } } : {}),
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
