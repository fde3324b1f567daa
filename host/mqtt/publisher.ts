/**
 * Empties the outbox over the client: in order, several in flight, deleted when acknowledged.
 *
 * After any failure it begins again at the oldest message left, so the order per appliance holds and nothing is
 * skipped; what was under way may arrive twice, with the same id. Only a message that the broker can never take, or
 * that does not open, is set aside, and told; one that is merely suspected of it is tried again later.
 *
 * A broker may refuse one message and take what was under way behind it: up to 63 may pass one that is refused. From then
 * on they go one at a time, until it is through.
 */
import { errorCode } from "../base/error.ts";
import type { ResultStore } from "../store/results.ts";
import type { OutboxRow, WaitingMessage } from "../store/schema.ts";
import type { MqttClient } from "./client.ts";
import { isRefusal, isUnsendable } from "./errors.ts";
import { Probation, SUSPECTED } from "./probation.ts";
import { type Ended, Suspicion } from "./suspicion.ts";

export interface OutboxPublisherOptions {
  readonly store: Pick<ResultStore, "pending" | "acknowledge" | "onMessages" | "outbox" | "park" | "unpark">;
  readonly client: Pick<MqttClient, "publish" | "online" | "onChange">;
  /** Messages under way at once; default 64. */
  readonly inFlightMax?: number;
  /** Looks for messages of other processes this often, in ms; default 5,000. */
  readonly pollMs?: number;
  /** Waits this long after a refusal, in ms; default 5,000. */
  readonly retryMs?: number;
  readonly monotonicMs?: () => number;
  /** A message was set aside, for the first time. @param code what the broker has against it, or the store */
  readonly onParked?: (message: WaitingMessage, code: string) => void;
}

export interface PublisherStats {
  /** Acknowledged by the broker since the start. */
  readonly published: number;
  /** Set aside since the start, and not delivered since: they must not block the others. */
  readonly parked: number;
  /** Attempts that ended without an acknowledgement. */
  readonly failed: number;
  /** Of the last attempt; null once one has succeeded again. */
  readonly lastErrorCode: string | null;
}

/** New messages in the outbox, or a change of the connection (also the end of the publisher). */
type Waker = "rows" | "state";

const READ_ROWS = 128;
/** The connection ended while messages were under way, and what that says of them. */
const ENDINGS: ReadonlyMap<string, Ended> = new Map([
  ["MQTT_LOST", "hung up"],
  ["MQTT_DEADLINE", "silent"],
  ["MQTT_BLAMED", "blamed"],
]);

export class OutboxPublisher {
  readonly #options: OutboxPublisherOptions;
  #running: Promise<void> | undefined;
  #stopped = true;
  readonly #woken = new Set<Waker>();
  #wake: (waker: Waker) => void = () => {};
  #unsubscribe: readonly (() => void)[] = [];
  #inFlight = 0;
  #done: () => void = () => {};
  #acknowledged: number[] = [];
  #flushScheduled = false;
  #flushed: Promise<void> = Promise.resolve();
  readonly #suspicion = new Suspicion();
  /** Positions of those that were refused, and are not through. */
  readonly #refused = new Set<number>();
  readonly #probation = new Probation();
  readonly #monotonicMs: () => number;
  #onlineSinceMs: number | undefined;
  #lost: { readonly row: OutboxRow; readonly code: string }[] = [];
  #failedNow = false;
  #published = 0;
  #failed = 0;
  #lastErrorCode: string | null = null;

  constructor(options: OutboxPublisherOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  get stats(): PublisherStats {
    const [published, parked, failed] = [this.#published, this.#probation.size, this.#failed];
    return { published, parked, failed, lastErrorCode: this.#lastErrorCode };
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#stopped = false;
    const { store, client } = this.#options;
    this.#unsubscribe = [store.onMessages(() => this.#wakeUp("rows")), client.onChange(() => this.#stateChanged())];
    this.#running = this.#run();
  }

  /** Takes no more, waits for what is under way (the client's deadlines bound it). Idempotent, never throws. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wakeUp("state");
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#running;
    this.#running = undefined;
  }

  async #run(): Promise<void> {
    const { client, pollMs = 5000, retryMs = 5000 } = this.#options;
    while (!this.#stopped) {
      this.#woken.clear();
      await this.#tryAgain();
      if (client.online) await this.#drain();
      // Still connected after a failure: the broker refuses, and asking at once would only make it busy.
      if (this.#failedNow && client.online) await this.#rest(retryMs, ["state"]);
      else await this.#rest(pollMs, ["rows", "state"]);
    }
  }

  /** What was set aside on suspicion is pending again, when its time has come. */
  async #tryAgain(): Promise<void> {
    if (!this.#options.client.online) return;
    const nowMs = this.#monotonicMs();
    this.#onlineSinceMs ??= nowMs;
    if (!this.#probation.due(nowMs - this.#onlineSinceMs, nowMs)) return;
    this.#probation.tried(nowMs);
    try {
      await this.#options.store.unpark(SUSPECTED);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Publishes until nothing is left or something fails; then waits for what is under way. */
  async #drain(): Promise<void> {
    this.#failedNow = false;
    let after = 0;
    try {
      while (this.#goesOn()) {
        const rows = await this.#openable(after);
        if (after === 0) this.#forgetRemoved(rows[0]);
        if (rows.length === 0) break;
        after = rows.at(-1)?.position ?? after;
        for (const row of rows) {
          await this.#until(() => this.#inFlight < this.#inFlightMax());
          if (!this.#goesOn()) break;
          void this.#publish(row);
        }
      }
    } catch (error) {
      this.#fail(error);
    }
    await this.#until(() => this.#inFlight === 0);
    await this.#flush();
    await this.#findGuilty();
  }

  /** What does not open is set aside. @throws StoreError */
  async #openable(after: number): Promise<OutboxRow[]> {
    const unopened: { readonly message: WaitingMessage; readonly code: string }[] = [];
    const rows = this.#options.store.pending(READ_ROWS, after, (message, code) => unopened.push({ message, code }));
    for (const { message, code } of unopened) await this.#park(message, code);
    return rows;
  }

  /** What the retention policy has removed is no trouble any more. @param oldest of those that are pending */
  #forgetRemoved(oldest: OutboxRow | undefined): void {
    for (const position of this.#refused) {
      if (oldest === undefined || position < oldest.position) this.#refused.delete(position);
    }
    if (this.#options.store.outbox.rows === 0) this.#probation.clear();
  }

  #inFlightMax(): number {
    return this.#suspicion.careful || this.#refused.size > 0 ? 1 : (this.#options.inFlightMax ?? 64);
  }

  #goesOn(): boolean {
    return !this.#stopped && !this.#failedNow && this.#options.client.online;
  }

  async #publish(row: OutboxRow): Promise<void> {
    this.#inFlight += 1;
    try {
      await this.#options.client.publish(row);
      this.#published += 1;
      this.#lastErrorCode = null;
      this.#suspicion.acknowledged();
      this.#probation.acknowledged(row.position);
      this.#refused.delete(row.position);
      this.#acknowledged.push(row.position);
      this.#scheduleFlush();
    } catch (error) {
      if (isUnsendable(error)) await this.#park(headOf(row), error.code);
      else this.#notSent(row, error);
    }
    this.#inFlight -= 1;
    this.#done();
  }

  #notSent(row: OutboxRow, error: unknown): void {
    this.#fail(error);
    if (isRefusal(error)) this.#refused.add(row.position);
    const code = errorCode(error);
    if (ENDINGS.has(code)) this.#lost.push({ row, code });
  }

  async #findGuilty(): Promise<void> {
    const lost = this.#lost;
    this.#lost = [];
    // One connection has one end: all that were under way heard of the same.
    const guilty = this.#suspicion.lost(
      lost.map(({ row }) => row.position),
      ENDINGS.get(lost[0]?.code ?? "") ?? "silent",
    );
    const found = lost.find(({ row }) => row.position === guilty);
    if (found !== undefined) await this.#park(headOf(found.row), found.code);
  }

  async #park(message: WaitingMessage, code: string): Promise<void> {
    try {
      await this.#options.store.park(message.position, code);
      this.#refused.delete(message.position);
      const first = this.#probation.park(message.position, code, this.#monotonicMs());
      if (first) this.#options.onParked?.(message, code);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Acknowledgements of one tick share one transaction. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      void this.#flush();
    });
  }

  /** Resolves when everything acknowledged so far is deleted: only then may the outbox be read from its start. */
  #flush(): Promise<void> {
    this.#flushed = this.#flushed.then(() => this.#deleteAcknowledged());
    return this.#flushed;
  }

  async #deleteAcknowledged(): Promise<void> {
    const positions = this.#acknowledged;
    this.#acknowledged = [];
    if (positions.length === 0) return;
    try {
      await this.#options.store.acknowledge(positions);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed += 1;
    this.#failedNow = true;
    this.#lastErrorCode = errorCode(error);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#done = resolve;
      });
    }
  }

  async #rest(ms: number, wakers: readonly Waker[]): Promise<void> {
    if (this.#stopped || wakers.some((waker) => this.#woken.has(waker))) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = (waker) => {
        if (!wakers.includes(waker)) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }

  #stateChanged(): void {
    if (!this.#options.client.online) this.#onlineSinceMs = undefined;
    this.#wakeUp("state");
  }

  #wakeUp(waker: Waker): void {
    this.#woken.add(waker);
    this.#wake(waker);
  }
}

function headOf({ payload, ...head }: OutboxRow): WaitingMessage {
  return { ...head, payloadBytes: payload.length };
}
