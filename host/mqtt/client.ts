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
  type BrokerAccess,
  type Connection,
  type ConnectionOptions,
  type Outgoing,
  openConnection,
  type ProtocolVersion,
} from "./connection.ts";
import { isRefusal, MqttError, type MqttErrorCode } from "./errors.ts";
import { TakeoverWatch } from "./takeover.ts";
import { VersionChoice } from "./version-choice.ts";

/** A topic filter, and who hears what arrives for it. */
export interface Listening {
  readonly filter: string;
  readonly onMessage: (message: Arrived) => void;
}

type PerConnection = keyof BrokerAccess | "will";

export interface MqttClientOptions extends Omit<ConnectionOptions, PerConnection> {
  /** Asked at every connect. What it throws is the reason why there is no connection. */
  readonly access?: () => BrokerAccess;
  /** The retained status message; `offline` becomes the last will. */
  readonly status: (state: "online" | "stopped" | "offline") => OutboxMessage;
  /** What is published after `online` at every connect: info, the latest health, discovery. */
  readonly announce: () => readonly OutboxMessage[];
  /** What is listened to at every connect, from before `online` is announced on. */
  readonly listen?: readonly Listening[];
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly utcMs: () => number;
  readonly backoff?: Backoff;
  /** A connection that lived this long was a good one, in ms: the next wait is the first again. Default 10,000. */
  readonly stableMs?: number;
}

export interface MqttState {
  readonly state: "connecting" | "online" | "offline" | "stopped";
  readonly sinceUtcMs: number;
  /** What the broker accepted last. */
  readonly protocolVersion: ProtocolVersion | null;
  readonly connects: number;
  /** Whether the broker let it listen to everything, at this connection. */
  readonly listening: boolean;
  /** Topics and filters that the broker refused at this connection, of those told and heard at every connect. */
  readonly refused: readonly string[];
  /** Another client uses, or seems to use, the same name: until an hour after it was noticed last. */
  readonly takenOver: boolean;
  readonly lastErrorCode: MqttErrorCode | "INTERNAL" | null;
  readonly lastErrorMessage: string | null;
}

const BACKOFF: Backoff = { firstMs: 500, capMs: 30_000 };
const STABLE_MS = 10_000;
/** What the broker refused at one connect is tried again at one this much later. */
const REFUSED_FOR_MS = 600_000;
const GOODBYE_DEADLINE_MS = 2000;
/** Commands are all that is listened to, and most are short. */
const ARRIVING_MAX_BYTES = 131_072;

export class MqttClient {
  readonly #options: MqttClientOptions;
  readonly #listeners = new Set<(state: MqttState) => void>();
  readonly #takeovers = new TakeoverWatch();
  readonly #versions = new VersionChoice();
  /** By topic or filter; they are few. */
  readonly #refusedUntilMs = new Map<string, number>();
  #state: Omit<MqttState, "takenOver">;
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
      refused: [],
      lastErrorCode: null,
      lastErrorMessage: null,
    };
  }

  get state(): MqttState {
    return { ...this.#state, takenOver: this.#takeovers.holds(performance.now()) };
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
   * @throws MqttError MQTT_OFFLINE, MQTT_LOST, MQTT_DEADLINE: not known to have arrived; one that `isRefusal`: known not to
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
    const { random, backoff = BACKOFF, stableMs = STABLE_MS } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      const startedMs = performance.now();
      const { error, takenOver } = await this.#liveOnce(signal);
      if (signal.aborted) return;
      failures = performance.now() - startedMs >= stableMs ? 1 : failures + 1;
      this.#enter("offline", error);
      // Two that throw each other out do so as rarely as may be.
      const { capMs } = backoff;
      const waitMs = backoffMs(takenOver ? { firstMs: capMs, capMs } : backoff, failures, random());
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** One connection from its beginning to its end. @returns why it ended or never began */
  async #liveOnce(signal: AbortSignal): Promise<{ readonly error: unknown; readonly takenOver: boolean }> {
    this.#enter("connecting");
    try {
      const connection = await this.#open(signal);
      const error = await this.#live(connection, signal);
      return { error, takenOver: this.#judge(connection, error) };
    } catch (error) {
      this.#takeovers.refused();
      return { error, takenOver: false };
    } finally {
      this.#connection = undefined;
    }
  }

  async #open(signal: AbortSignal): Promise<Connection> {
    const { access, status } = this.#options;
    const options = { arrivingMaxBytes: ARRIVING_MAX_BYTES, ...this.#options, ...access?.(), will: status("offline") };
    const connection = await openConnection(options, this.#versions.first(performance.now()), signal);
    this.#versions.accepted(connection.protocolVersion, performance.now());
    return connection;
  }

  /** @returns why it ended */
  async #live(connection: Connection, signal: AbortSignal): Promise<unknown> {
    try {
      this.#connection = connection;
      // Told to stop while the broker answered: the goodbye found no connection to end.
      if (signal.aborted) connection.abort();
      await this.#listen(connection);
      await this.#announce(connection);
      if (!signal.aborted) this.#enter("online");
      return await connection.closed;
    } catch (error) {
      connection.abort();
      return error;
    }
  }

  #judge(connection: Connection, error: unknown): boolean {
    const { stableMs = STABLE_MS } = this.#options;
    const nowMs = performance.now();
    const livedMs = nowMs - connection.openedMs;
    if (livedMs >= stableMs) this.#versions.lasted();
    const code = error instanceof MqttError ? error.code : "INTERNAL";
    return this.#takeovers.ended({ code, livedMs, ...connection.how }, nowMs);
  }

  /** A broker that lets nobody listen is told no less. */
  async #listen(connection: Connection): Promise<void> {
    const { listen = [] } = this.#options;
    this.#state = { ...this.#state, listening: false, refused: [] };
    for (const { filter, onMessage } of listen) {
      await this.#unlessRefused(filter, () => connection.subscribe(filter, onMessage, true));
    }
    this.#state = { ...this.#state, listening: listen.length > 0 && this.#state.refused.length === 0 };
  }

  /** A broker that refuses the status does not know this appliance; what else it refuses, it goes without. */
  async #announce(connection: Connection): Promise<void> {
    this.#state = { ...this.#state, protocolVersion: connection.protocolVersion, connects: this.#state.connects + 1 };
    await connection.publish(this.#options.status("online"));
    for (const message of this.#options.announce()) {
      await this.#unlessRefused(message.topic, () => connection.publish(message));
    }
  }

  /** Not asked again for a while: over TLS, Mosquitto 2.0.11 ends a connection on which it has refused something. */
  async #unlessRefused(topic: string, ask: () => Promise<void>): Promise<void> {
    const nowMs = performance.now();
    try {
      if (nowMs >= (this.#refusedUntilMs.get(topic) ?? nowMs)) return await ask();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refusedUntilMs.set(topic, nowMs + REFUSED_FOR_MS);
    }
    this.#state = { ...this.#state, refused: [...this.#state.refused, topic] };
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
    for (const listener of this.#listeners) listener(this.state);
  }
}

const CLEAR = { lastErrorCode: null, lastErrorMessage: null } as const;

function describe(error: unknown): Pick<MqttState, "lastErrorCode" | "lastErrorMessage"> {
  const lastErrorCode = error instanceof MqttError ? error.code : "INTERNAL";
  return { lastErrorCode, lastErrorMessage: error instanceof Error ? error.message : errorCode(error) };
}
