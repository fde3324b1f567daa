/** Everything between the outbox and the broker, and back: the connection, the publisher, and the commands. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/schema.ts";
import { MqttClient, type MqttState } from "../mqtt/client.ts";
import { CommandChannel } from "../mqtt/command-channel.ts";
import { type CommandHandlers, payloadMaxOf } from "../mqtt/commands.ts";
import { EmbeddedBroker } from "../mqtt/embedded-broker.ts";
import { OutboxPublisher } from "../mqtt/publisher.ts";
import { clientIdOf, type Identity } from "../mqtt/topics.ts";
import type { ResultStore } from "../store/results.ts";
import type { OutboxMessage, WaitingMessage } from "../store/schema.ts";
import { brokerAccess } from "./broker-access.ts";
import { HomeAssistant } from "./home-assistant.ts";

const ACK_DEADLINE_MS = 10_000;
/** Of a packet, beside the payload: topic and properties, and room to tell a sender by name that it was too much. */
const PACKET_BYTES = 65_536;

export interface PublishingParts {
  readonly config: Config["mqtt"];
  readonly identity: Identity;
  /** Of the appliance. */
  readonly version: string;
  readonly store: ResultStore;
  readonly handlers: CommandHandlers;
  readonly status: (state: "online" | "stopped" | "offline") => OutboxMessage;
  readonly announce: () => readonly OutboxMessage[];
  readonly onChange: (state: MqttState, broker: string) => void;
  /** This message can never be delivered: it is set aside. */
  readonly parked: (message: WaitingMessage, code: string) => void;
  readonly commandRefused: (code: string, message: string, times: number) => void;
  /** Counts an error by its code. */
  readonly count: (code: string) => void;
}

export class Publishing {
  readonly #parts: PublishingParts;
  readonly #commands: CommandChannel;
  readonly #homeAssistant: HomeAssistant | undefined;
  #broker: EmbeddedBroker | undefined;
  #client: MqttClient | undefined;
  #publisher: OutboxPublisher | undefined;

  constructor(parts: PublishingParts) {
    this.#parts = parts;
    const { identity, handlers, count, commandRefused } = parts;
    this.#commands = new CommandChannel({
      ...{ identity, handlers, count },
      publish: (message) => this.#client?.answer(message) ?? Promise.resolve(),
      refused: commandRefused,
      utcMs: Date.now,
      monotonicMs: () => performance.now(),
      newId: randomUUID,
      maxBytes: (name) => payloadMaxOf(name, parts.config.inferMaxBytes),
    });
    this.#homeAssistant = this.#makeHomeAssistant();
  }

  /** The broker's address; of the embedded one, once started. */
  get brokerUrl(): string {
    return this.#broker?.url ?? this.#parts.config.url ?? "";
  }

  get state(): MqttState | undefined {
    return this.#client?.state;
  }

  /** Of the last attempt to publish from the outbox; null once one has succeeded. */
  get lastErrorCode(): string | null {
    return this.#publisher?.stats.lastErrorCode ?? null;
  }

  /** Messages that were set aside. */
  get parked(): number {
    return this.#publisher?.stats.parked ?? 0;
  }

  /** A missing broker is no error, nor are its certificates. @throws MqttError of the embedded broker, where its port is taken */
  async start(): Promise<void> {
    const { config, identity, store, status, announce, onChange, parked } = this.#parts;
    if (config.url === null) this.#broker = await EmbeddedBroker.start({ port: config.embeddedPort });
    this.#client = new MqttClient({
      url: this.brokerUrl,
      clientId: clientIdOf(identity),
      connectDeadlineMs: config.connectDeadlineMs,
      ackDeadlineMs: ACK_DEADLINE_MS,
      arrivingMaxBytes: payloadMaxOf("infer", config.inferMaxBytes) + PACKET_BYTES,
      access: () => brokerAccess(config),
      status,
      announce: () => [...announce(), ...this.#discovery()],
      listen: [
        { filter: this.#commands.filter, onMessage: (message) => this.#commands.take(message) },
        ...(this.#homeAssistant === undefined ? [] : [this.#homeAssistant.listening]),
      ],
      random: Math.random,
      utcMs: Date.now,
    });
    this.#client.onChange((state) => onChange(state, this.brokerUrl));
    this.#publisher = new OutboxPublisher({ store, client: this.#client, onParked: parked });
    // The broker's limits, or the broker, may be others now.
    await store.unpark();
    this.#client.start();
    this.#publisher.start();
  }

  /** Now or not at all: what is only true now. @throws MqttError */
  publish(message: OutboxMessage): Promise<void> {
    return this.#client?.publish(message) ?? Promise.resolve();
  }

  /** Waits for the outbox to empty of all but what was set aside, while the broker is there. */
  async drain(deadlineMs: number): Promise<void> {
    const until = performance.now() + deadlineMs;
    const waits = () => this.#parts.store.outbox.rows > this.parked;
    while (this.#client?.online && waits() && performance.now() < until) await sleep(20);
  }

  /** Says goodbye; what could not be published stays in the outbox. Never throws. */
  async stop(): Promise<void> {
    this.#homeAssistant?.stop();
    await Promise.all([this.#publisher?.stop(), this.#client?.stop()]);
    await this.#broker?.stop();
  }

  #makeHomeAssistant(): HomeAssistant | undefined {
    const { config, identity, version } = this.#parts;
    if (config.homeAssistantPrefix === null) return undefined;
    return new HomeAssistant({
      prefix: config.homeAssistantPrefix,
      healthIntervalS: config.healthIntervalS,
      ...{ identity, version },
      publish: (message) => this.publish(message),
      random: Math.random,
    });
  }

  #discovery(): readonly OutboxMessage[] {
    return this.#homeAssistant === undefined ? [] : [this.#homeAssistant.announcement];
  }
}
