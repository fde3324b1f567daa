/** The documented subscriber (examples/subscriber), and in which order what it keeps came to it. */
import { createHash } from "node:crypto";
import { type Message, Received } from "../../examples/subscriber/received.ts";
import { Subscriber } from "../../examples/subscriber/subscriber.ts";
import type { Arrival } from "./judge.ts";

/** Of a result's data, whatever the order of its keys. */
export function digestOf(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data, sorted)).digest("hex");
}

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keeps as the example does, and remembers. */
class Book extends Received {
  readonly arrived: Arrival[] = [];
  /** Sealed values. */
  readonly seals: string[] = [];
  readonly kinds = new Map<string, number>();
  redelivered = 0;

  override keep(message: Message): boolean {
    const isNew = super.keep(message);
    if (!isNew) this.redelivered += 1;
    else this.#note(message);
    return isNew;
  }

  #note({ id, kind, sealedValue, text }: Message): void {
    const { data } = JSON.parse(text);
    const name = kind === "event" ? `event ${data.kind}` : kind;
    this.kinds.set(name, (this.kinds.get(name) ?? 0) + 1);
    if (sealedValue !== null) this.seals.push(sealedValue);
    if (kind !== "result") return;
    const { resultId, sequence, reference, time } = data;
    this.arrived.push({ id, resultId, sequence, reference, utcMs: time.utcMs, digest: digestOf(data) });
  }
}

export class Observer {
  readonly #book: Book;
  readonly #url: string;
  readonly #source: string;
  readonly #failures: string[] = [];
  readonly #notes = new Map<string, number>();
  #subscriber: Subscriber | undefined;

  /** @param source whom it hears */
  constructor(url: string, path: string, source: string) {
    this.#url = url;
    this.#source = source;
    this.#book = new Book(path);
    this.come();
  }

  /** It is there, or will be once the broker is. */
  come(): void {
    this.#subscriber = new Subscriber({
      ...{ url: this.#url, name: "reliability", store: this.#book, askEveryMs: 500, replyDeadlineMs: 5000 },
      onFailed: (error) => void this.#failures.push(`the subscriber gave up: ${error}`),
      onNote: ({ what }) => void this.#notes.set(String(what), this.noted(String(what)) + 1),
    });
  }

  /** It goes away for a while; what comes meanwhile waits at the broker. */
  async leave(): Promise<void> {
    await this.#subscriber?.stop();
    this.#subscriber = undefined;
  }

  get arrived(): readonly Arrival[] {
    return this.#book.arrived;
  }

  /** Sealed values, each of which the ledger must have. */
  get seals(): readonly string[] {
    return this.#book.seals;
  }

  get redelivered(): number {
    return this.#book.redelivered;
  }

  /** It has every number up to the highest, and no doubt about more. */
  get whole(): boolean {
    return this.#book.gaps(this.#source).length === 0 && this.#book.doubted(this.#source) === undefined;
  }

  /** What it gave up, and why it gave up itself. */
  get complaints(): string[] {
    const gone = this.#book.gone(this.#source).map(({ first, last, why }) => `results ${first} to ${last}: ${why}`);
    return [...this.#failures, ...gone];
  }

  /** How often it noted something, such as `connected` or `asked for a gap`. */
  noted(what: string): number {
    return this.#notes.get(what) ?? 0;
  }

  /** Messages of a kind, redeliveries left out; of events, `event KIND`. */
  count(kind: string): number {
    return this.#book.kinds.get(kind) ?? 0;
  }

  async stop(): Promise<void> {
    await this.leave();
    this.#book.close();
  }
}
