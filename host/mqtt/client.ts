/**
 * The appliance at its broker: connects, announces itself, reconnects for ever, and says goodbye.
 *
 * Nothing waits in here. What must not be lost waits in the outbox; what is current only now is announced anew at
 * every connect.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../base/error.ts";
import type { OutboxMessage } from "../store/schema.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import {
  type Arrived,
  type Connection,
  type ConnectionOptions,
  type Outgoing,
  openConnection,
  type ProtocolVersion,
} from "./connection.ts";
import { MqttError, type MqttErrorCode } from "./errors.ts";

export interface MqttClientOptions extends Omit<ConnectionOptions, "will" | "arrivingMaxBytes"> {
  /** The retained status message; `offline` becomes the last will. */
  readonly status: (state: "online" | "stopped" | "offline") => OutboxMessage;
  /** What is published after `online` at every connect: info, the latest health. */
  readonly announce: () => readonly OutboxMessage[];
  /** What is listened to at every connect, from before `online` is announced on. */
  readonly listen?: { readonly filter: string; readonly onMessage: (message: Arrived) => void };
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly utcMs: () => number;
  readonly backoff?: Backoff;
}

export interface MqttState {
  readonly state: "connecting" | "online" | "offline" | "stopped";
  readonly sinceUtcMs: number;
  /** What the broker accepted last. */
  readonly protocolVersion: ProtocolVersion | null;
  readonly connects: number;
  /** Whether the broker let it listen, at this connection. */
  readonly listening: boolean;
  readonly lastErrorCode: MqttErrorCode | "INTERNAL" | null;
  readonly lastErrorMessage: string | null;
}

const BACKOFF: Backoff = { firstMs: 500, capMs: 30_000 };
/** A connection that lived this long was a good one: the next wait is the first again. */
const STABLE_MS = 10_000;
const GOODBYE_DEADLINE_MS = 2000;
/** Commands are all that is listened to, and they are short. */
const ARRIVING_MAX_BYTES = 131_072;

export class MqttClient {
  readonly #options: MqttClientOptions;
  readonly #listeners = new Set<(state: MqttState) => void>();
  #state: MqttState;
  #connection: Connection | undefined;
  #running: Promise<void> | undefined;
  #stopping = new AbortController();

  constructor(options: MqttClientOptions) {
    this.#options = options;
    this.#state = {
      state: "stopped",
      sinceUtcMs: options.utcMs(),
      protocolVersion: null,
      connects: 0,
      listening: false,
      lastErrorCode: null,
      lastErrorMessage: null,
    };
  }

  get state(): MqttState {
    return this.#state;
  }

  get online(): boolean {
    return this.#state.state === "online";
  }

  /** Starts to connect and returns at once; an absent broker is no error. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Publishes `stopped`, disconnects and tries no more. Idempotent, never throws. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return;
    this.#stopping.abort();
    await this.#sayGoodbye();
    await this.#running;
    this.#running = undefined;
    this.#enter("stopped");
  }

  /**
   * Publishes now or not at all.
   * @throws MqttError MQTT_OFFLINE, MQTT_LOST, MQTT_DEADLINE: not known to have arrived; MQTT_REFUSED: known not to
   */
  async publish(message: OutboxMessage): Promise<void> {
    if (this.#connection === undefined || !this.online) {
      throw new MqttError("MQTT_OFFLINE", `no connection to ${this.#options.url}`);
    }
    await this.#connection.publish(message);
  }

  /**
   * As `publish`, but also while the appliance is still announcing itself: for answers to what was heard.
   * @throws MqttError as `publish`
   */
  async answer(message: Outgoing): Promise<void> {
    if (this.#connection === undefined) throw new MqttError("MQTT_OFFLINE", `no connection to ${this.#options.url}`);
    await this.#connection.publish(message);
  }

  /** Calls `listener` at every change of state. @returns the way to stop it */
  onChange(listener: (state: MqttState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { utcMs: _, random, backoff = BACKOFF } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      const startedMs = performance.now();
      const error = await this.#liveOnce(signal);
      if (signal.aborted) return;
      failures = performance.now() - startedMs >= STABLE_MS ? 1 : failures + 1;
      this.#enter("offline", error);
      await sleep(backoffMs(backoff, failures, random()), undefined, { signal }).catch(() => {});
    }
  }

  /** One connection from its beginning to its end. @returns why it ended or never began */
  async #liveOnce(signal: AbortSignal): Promise<unknown> {
    this.#enter("connecting");
    try {
      const will = this.#options.status("offline");
      const options = { ...this.#options, will, arrivingMaxBytes: ARRIVING_MAX_BYTES };
      const connection = await openConnection(options, this.#state.protocolVersion ?? 5, signal);
      this.#connection = connection;
      // Told to stop while the broker answered: the goodbye found no connection to end.
      if (signal.aborted) connection.abort();
      await this.#listen(connection);
      await this.#announce(connection);
      if (!signal.aborted) this.#enter("online");
      return await connection.closed;
    } catch (error) {
      this.#connection?.abort();
      return error;
    } finally {
      this.#connection = undefined;
    }
  }

  /** A broker that lets nobody listen is told no less. */
  async #listen(connection: Connection): Promise<void> {
    const { listen } = this.#options;
    this.#state = { ...this.#state, listening: false };
    if (listen === undefined) return;
    try {
      await connection.subscribe(listen.filter, listen.onMessage, true);
      this.#state = { ...this.#state, listening: true };
    } catch (error) {
      if (!(error instanceof MqttError) || error.code !== "MQTT_REFUSED") throw error;
    }
  }

  async #announce(connection: Connection): Promise<void> {
    this.#state = { ...this.#state, protocolVersion: connection.protocolVersion, connects: this.#state.connects + 1 };
    for (const message of [this.#options.status("online"), ...this.#options.announce()]) {
      await connection.publish(message);
    }
  }

  async #sayGoodbye(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const late = sleep(GOODBYE_DEADLINE_MS, undefined, { ref: false });
    try {
      await Promise.race([connection.publish(this.#options.status("stopped")), late]);
      await Promise.race([connection.close(), late]);
    } catch {
      // The connection ended meanwhile: the last will speaks for us.
    }
    connection.abort();
  }

  #enter(state: MqttState["state"], error?: unknown): void {
    this.#state = { ...this.#state, state, sinceUtcMs: this.#options.utcMs(), ...(state === "online" ? CLEAR : {}) };
    if (error !== undefined) this.#state = { ...this.#state, ...describe(error) };
    for (const listener of this.#listeners) listener(this.#state);
  }
}

const CLEAR = { lastErrorCode: null, lastErrorMessage: null } as const;

function describe(error: unknown): Pick<MqttState, "lastErrorCode" | "lastErrorMessage"> {
  const lastErrorCode = error instanceof MqttError ? error.code : "INTERNAL";
  return { lastErrorCode, lastErrorMessage: error instanceof Error ? error.message : errorCode(error) };
}
