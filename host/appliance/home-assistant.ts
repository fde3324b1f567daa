/** Tells Home Assistant of this appliance: at every connect, and when Home Assistant says that it has started. */
import type { Listening } from "../mqtt/client.ts";
import type { Arrived } from "../mqtt/connection.ts";
import { birthTopicOf, type DiscoveryOptions, makeDiscoveryMessage } from "../mqtt/discovery.ts";
import type { OutboxMessage } from "../store/schema.ts";

/** A fleet does not answer as one. */
const SPREAD_MS = 5_000;

export interface HomeAssistantOptions extends DiscoveryOptions {
  /** Now or not at all. */
  readonly publish: (message: OutboxMessage) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Default 5,000. */
  readonly spreadMs?: number;
}

export class HomeAssistant {
  readonly #options: HomeAssistantOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HomeAssistantOptions) {
    this.#options = options;
  }

  /** What follows `online` at every connect. */
  get announcement(): OutboxMessage {
    return makeDiscoveryMessage(this.#options);
  }

  get listening(): Listening {
    return { filter: birthTopicOf(this.#options.prefix), onMessage: (message) => this.#heard(message) };
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The next connect tells it anyway, so a failure is nothing to count. */
  #heard({ payload }: Arrived): void {
    if (Buffer.from(payload).toString() !== "online") return;
    const { publish, random, spreadMs = SPREAD_MS } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void publish(this.announcement).catch(() => {}), random() * spreadMs);
  }
}
