/**
 * A subscriber that loses nothing: a session that the broker keeps, each message acknowledged only once it is durable here,
 * redeliveries dropped by id, and what the broker lost asked of the appliance again (`cmd/resend`).
 */
import { randomUUID } from "node:crypto";
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { type Healing, healSource, type ResendReply } from "./healing.ts";
import type { Message, Received } from "./received.ts";

export interface SubscriberOptions {
  /** mqtt://host:port or mqtts://host:port. */
  readonly url: string;
  /** Of the session at the broker: the same at every start, and nobody else's. */
  readonly name: string;
  readonly store: Received;
  /** ca, cert, key, username, password: as MQTT.js has them. */
  readonly access?: Pick<IClientOptions, "ca" | "cert" | "key" | "servername" | "username" | "password">;
  /** After it is durable; not again for a redelivery. */
  readonly onNew?: (message: Message) => void;
  /** What an operator may want to know. */
  readonly onNote?: (note: Readonly<Record<string, unknown>>) => void;
  /** It cannot go on: the disk will not, or the broker will not have it. What was not durable was not acknowledged. */
  readonly onFailed?: (error: unknown) => void;
  /** Which appliances, as a topic filter; default all: lv06/v1/+/+ */
  readonly appliances?: string;
  /** How long the broker keeps the session; default 30 days. */
  readonly sessionExpiryS?: number;
  /** Between two questions about the same gap, and after a connect until nothing more seems to wait; default 30 s. */
  readonly askEveryMs?: number;
  /** For the answer to a question; default 10 s. */
  readonly replyDeadlineMs?: number;
}

const KINDS = ["result", "seal", "event"];
const MONTH_S = 30 * 86_400;
const ASK_EVERY_MS = 30_000;

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #client: MqttClient;
  readonly #asked = new Map<string, (reply: ResendReply) => void>();
  readonly #healing = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  /** By source: from a connect until nothing has come of it for a while. */
  readonly #waiting = new Map<string, NodeJS.Timeout>();

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#client = mqtt.connect(options.url, {
      ...{ protocolVersion: 5, clientId: options.name, clean: false, reconnectPeriod: 1000, ...options.access },
      // Else MQTT.js takes a subscription that it once asked for to stand, though the broker never heard of it.
      resubscribe: false,
      properties: { sessionExpiryInterval: options.sessionExpiryS ?? MONTH_S, receiveMaximum: 100 },
    });
    // MQTT.js acknowledges when this has called back, and not before.
    this.#client.handleMessage = (packet, done) => this.#take(packet as IPublishPacket, done);
    this.#client.on("connect", ({ sessionPresent }) => void this.#connected(sessionPresent));
    this.#client.on("error", (error) => this.#note({ what: "broker", error: error.message }));
  }

  /** What was being acknowledged is; the broker keeps the session and what comes meanwhile. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#client.endAsync();
    await Promise.all(this.#healing.values());
  }

  async #connected(sessionPresent: boolean): Promise<void> {
    const { appliances = "lv06/v1/+/+", store } = this.#options;
    try {
      // Before the new session hears anything: the highest number is still the last one of before.
      if (!sessionPresent) store.doubt();
      const filters = [...KINDS, "reply/+"].map((kind) => `${appliances}/${kind}`);
      await this.#client.subscribeAsync(filters, { qos: 1 });
    } catch (error) {
      // Lost before the broker has answered: the next connect asks again.
      if (isLoss(error)) this.#note({ what: "broker", error: error.message });
      else this.#fail(error);
      return;
    }
    this.#note({ what: "connected", sessionPresent });
    for (const source of store.sources()) {
      this.#heal(source);
      this.#askOnceQuiet(source);
    }
  }

  /** A broker that crashed may know the session and not the last messages in it, with none after them to show the gap. */
  #askOnceQuiet(source: string): void {
    const { store, askEveryMs = ASK_EVERY_MS } = this.#options;
    clearTimeout(this.#waiting.get(source));
    const ask = () => {
      this.#waiting.delete(source);
      if (this.#stopping.signal.aborted) return;
      try {
        store.sureUpTo(source, store.highest(source), true);
        this.#heal(source);
      } catch (error) {
        this.#fail(error);
      }
    };
    this.#waiting.set(source, setTimeout(ask, askEveryMs).unref());
  }

  #take(packet: IPublishPacket, done: (error?: Error) => void): void {
    const [source, kind] = addressOf(packet.topic);
    try {
      if (kind === "reply") this.#hear(source, packet);
      else this.#keep(source, kind, packet.payload.toString());
    } catch (error) {
      // Not acknowledged: it comes again at the next connect.
      this.#fail(error);
      return;
    }
    done();
  }

  #keep(source: string, kind: string, text: string): void {
    const { store, onNew } = this.#options;
    const message = read(kind, text);
    // The broker guards topics, not what is said in them: who speaks is who may write there.
    if (message?.source !== source) {
      this.#note({ what: "not a message of an appliance", source, kind });
      return;
    }
    const next = store.highest(source) + 1;
    if (!this.#store(message)) return;
    if (this.#waiting.has(source)) this.#askOnceQuiet(source);
    onNew?.(message);
    if (next > 1 && message.sequence !== null && message.sequence > next) this.#heal(source);
  }

  /** @returns whether it is new, and kept. @throws where the disk will not */
  #store(message: Message): boolean {
    try {
      return this.#options.store.keep(message);
    } catch (error) {
      if (!isUnstorable(error)) throw error;
      // It would come again and again, and stop all others: it is acknowledged, and an operator hears of it.
      const { source, id, kind } = message;
      this.#note({ what: "cannot be stored", source, kind, id, error: String(error) });
      return false;
    }
  }

  #heal(source: string): void {
    if (this.#healing.has(source) || this.#stopping.signal.aborted) return;
    const { store, askEveryMs = ASK_EVERY_MS } = this.#options;
    const healing: Healing = {
      ...{ store, source, askEveryMs },
      signal: this.#stopping.signal,
      ask: (from, limit) => this.#ask(source, from, limit),
      note: (note) => this.#note(note),
    };
    const done = healSource(healing)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#healing.delete(source));
    this.#healing.set(source, done);
  }

  /** @returns undefined where no answer came in time */
  async #ask(source: string, from: number, limit: number): Promise<ResendReply | undefined> {
    const id = `${this.#options.name.slice(0, 27)}-${randomUUID()}`.replace(/[^A-Za-z0-9_-]/g, "_");
    const answer = new Promise<ResendReply | undefined>((resolve) => {
      this.#asked.set(`${source}/${id}`, resolve);
      setTimeout(resolve, this.#options.replyDeadlineMs ?? 10_000, undefined).unref();
      this.#stopping.signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    const topic = `${source.slice(1)}/cmd/resend`;
    this.#client.publish(topic, JSON.stringify({ id, from, limit }), { qos: 1 }, () => {});
    try {
      return await answer;
    } finally {
      this.#asked.delete(`${source}/${id}`);
    }
  }

  #hear(source: string, { payload }: IPublishPacket): void {
    const reply = parsed(payload.toString())?.data as (ResendReply & { readonly id: string }) | undefined;
    if (reply !== undefined && isSound(reply)) this.#asked.get(`${source}/${reply.id}`)?.(reply);
  }

  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#client.end(true);
    this.#options.onFailed?.(error);
  }

  #note(note: Readonly<Record<string, unknown>>): void {
    this.#options.onNote?.(note);
  }
}

interface Event {
  readonly source?: unknown;
  readonly id?: unknown;
  readonly data?: { readonly sequence?: unknown; readonly sealedValue?: unknown; readonly previous?: unknown };
}

/** Room for every count that is made with it; no appliance gets near. */
const SEQUENCE_MAX = 2 ** 52;
const isSequence = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= SEQUENCE_MAX;

/** SQLite's words against a value, not against its disk: TOOBIG, CONSTRAINT, MISMATCH. */
const AGAINST_VALUES: ReadonlySet<number> = new Set([18, 19, 20]);

function isUnstorable(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  return typeof code === "number" && AGAINST_VALUES.has(code & 0xff);
}

/** MQTT.js's errors of a subscription bring the broker's answer along, where there was one. */
function isLoss(error: unknown): error is Error {
  return error instanceof Error && "packet" in error && error.packet === undefined;
}

/** lv06/v1/SITE/APPLIANCE/KIND…: who may write there, as `source` names it, and what. */
function addressOf(topic: string): [source: string, kind: string] {
  const levels = topic.split("/");
  return [`/${levels.slice(0, 4).join("/")}`, levels[4] ?? ""];
}

function parsed(text: string): Event | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Numbers that can be counted with; anything else is no answer. */
function isSound({ resend }: ResendReply): boolean {
  return resend == null || (isSequence(resend.firstAvailable) && (resend.next === null || isSequence(resend.next)));
}

const textOrNull = (value: unknown) => (typeof value === "string" ? value : null);

function read(kind: string, text: string): Message | undefined {
  const { source, id, data } = parsed(text) ?? {};
  if (typeof source !== "string" || typeof id !== "string") return undefined;
  const sequence = kind === "result" ? data?.sequence : null;
  if (sequence !== null && !isSequence(sequence)) return undefined;
  const [sealedValue, previous] = kind === "seal" ? [data?.sealedValue, data?.previous] : [];
  return { source, id, kind, sequence, sealedValue: textOrNull(sealedValue), previous: textOrNull(previous), text };
}
