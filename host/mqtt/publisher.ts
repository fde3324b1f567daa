/**
 * Empties the outbox over the client: in order, several in flight, deleted when acknowledged.
 *
 * After any failure it begins again at the oldest message left, so the order per appliance holds and nothing is
 * skipped; what was under way may arrive twice, with the same id. Only a message that the broker can never take is set
 * aside, and told.
 */
import { errorCode } from "../base/error.ts";
import type { ResultStore } from "../store/results.ts";
import type { OutboxMessage, OutboxRow } from "../store/schema.ts";
import type { MqttClient } from "./client.ts";
import { isUnsendable } from "./errors.ts";
import { Suspicion } from "./suspicion.ts";

export interface OutboxPublisherOptions {
  readonly store: Pick<ResultStore, "pending" | "acknowledge" | "onMessages" | "park">;
  readonly client: Pick<MqttClient, "publish" | "online" | "onChange">;
  /** Messages under way at once; default 64. */
  readonly inFlightMax?: number;
  /** Looks for messages of other processes this often, in ms; default 5,000. */
  readonly pollMs?: number;
  /** Waits this long after a refusal, in ms; default 5,000. */
  readonly retryMs?: number;
  /** A message was set aside. @param code what the broker has against it */
  readonly onParked?: (message: OutboxMessage, code: string) => void;
}

export interface PublisherStats {
  /** Acknowledged by the broker since the start. */
  readonly published: number;
  /** Set aside since the start: the broker takes no such message, and it must not block the others. */
  readonly parked: number;
  /** Attempts that ended without an acknowledgement. */
  readonly failed: number;
  /** Of the last attempt; null once one has succeeded again. */
  readonly lastErrorCode: string | null;
}

/** New messages in the outbox, or a change of the connection (also the end of the publisher). */
type Waker = "rows" | "state";

const READ_ROWS = 128;
/** The connection ended while messages were under way, and one of them may be why. */
const ENDINGS: ReadonlySet<string> = new Set(["MQTT_LOST", "MQTT_DEADLINE", "MQTT_BLAMED"]);

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
  #parked = 0;
  #lost: { readonly row: OutboxRow; readonly code: string }[] = [];
  #failedNow = false;
  #published = 0;
  #failed = 0;
  #lastErrorCode: string | null = null;

  constructor(options: OutboxPublisherOptions) {
    this.#options = options;
  }

  get stats(): PublisherStats {
    const [published, parked, failed] = [this.#published, this.#parked, this.#failed];
    return { published, parked, failed, lastErrorCode: this.#lastErrorCode };
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#stopped = false;
    const { store, client } = this.#options;
    this.#unsubscribe = [store.onMessages(() => this.#wakeUp("rows")), client.onChange(() => this.#wakeUp("state"))];
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
      if (client.online) await this.#drain();
      // Still connected after a failure: the broker refuses, and asking at once would only make it busy.
      if (this.#failedNow && client.online) await this.#rest(retryMs, ["state"]);
      else await this.#rest(pollMs, ["rows", "state"]);
    }
  }

  /** Publishes until nothing is left or something fails; then waits for what is under way. */
  async #drain(): Promise<void> {
    this.#failedNow = false;
    let after = 0;
    try {
      while (this.#goesOn()) {
        const rows = this.#options.store.pending(READ_ROWS, after);
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

  #inFlightMax(): number {
    return this.#suspicion.careful ? 1 : (this.#options.inFlightMax ?? 64);
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
      this.#acknowledged.push(row.position);
      this.#scheduleFlush();
    } catch (error) {
      if (isUnsendable(error)) await this.#park(row, error.code);
      else this.#notSent(row, error);
    }
    this.#inFlight -= 1;
    this.#done();
  }

  #notSent(row: OutboxRow, error: unknown): void {
    this.#fail(error);
    const code = errorCode(error);
    if (ENDINGS.has(code)) this.#lost.push({ row, code });
  }

  async #findGuilty(): Promise<void> {
    const lost = this.#lost;
    this.#lost = [];
    const blamed = lost.some(({ code }) => code === "MQTT_BLAMED");
    const guilty = this.#suspicion.lost(
      lost.map(({ row }) => row.position),
      blamed,
    );
    const found = lost.find(({ row }) => row.position === guilty);
    if (found !== undefined) await this.#park(found.row, found.code);
  }

  async #park(row: OutboxRow, code: string): Promise<void> {
    try {
      await this.#options.store.park(row.position, code);
      this.#parked += 1;
      this.#options.onParked?.(row, code);
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

  #wakeUp(waker: Waker): void {
    this.#woken.add(waker);
    this.#wake(waker);
  }
}
