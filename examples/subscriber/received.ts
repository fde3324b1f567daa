/**
 * What was received, durable and once: an SQLite file in which a message has its place by `source` and `id`, as CloudEvents
 * has it, so that a redelivery changes nothing.
 *
 * Results are numbered by their appliance, without gaps: a number that is missing between two others was missed.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";

export interface Message {
  /** Who speaks: /lv06/v1/SITE/APPLIANCE. */
  readonly source: string;
  readonly id: string;
  /** result, seal, event. */
  readonly kind: string;
  /** Of a result. */
  readonly sequence: number | null;
  /** Of a seal: its own value, and that of the seal before it. */
  readonly sealedValue: string | null;
  readonly previous: string | null;
  /** The whole message, as it came. */
  readonly text: string;
}

/** Results of an appliance that were missed, both ends included. */
export interface Gap {
  readonly first: number;
  readonly last: number;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS messages (
    source TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, sequence INTEGER,
    sealedValue TEXT, previous TEXT, text TEXT NOT NULL, PRIMARY KEY (source, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS messagesBySequence ON messages (source, sequence) WHERE sequence IS NOT NULL;
  CREATE INDEX IF NOT EXISTS messagesBySeal ON messages (source, sealedValue) WHERE sealedValue IS NOT NULL;
  -- Missed for good: the appliance does not have them any more.
  CREATE TABLE IF NOT EXISTS gone (
    source TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (source, first)
  ) STRICT;
  -- From this number on more may have been published than arrived: the broker lost the session.
  CREATE TABLE IF NOT EXISTS unsure (source TEXT PRIMARY KEY, first INTEGER NOT NULL) STRICT;
`;

/** From a number on. */
const GAPS = `
  WITH spans (first, last) AS (
    SELECT sequence, sequence FROM messages WHERE source = ?1 AND sequence >= ?2
    UNION ALL SELECT first, last FROM gone WHERE source = ?1 AND last >= ?2
  ), neighbours (last, next) AS (
    SELECT max(last) OVER (ORDER BY first ROWS UNBOUNDED PRECEDING), lead(first) OVER (ORDER BY first) FROM spans
  )
  SELECT last + 1 AS first, next - 1 AS last FROM neighbours WHERE next > last + 1 ORDER BY 1`;

/** Seals whose predecessor is not here; the first of a source never is. */
const LOOSE = `
  SELECT count(*) AS loose FROM messages AS seal
  WHERE source = ?1 AND sealedValue IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM messages WHERE source = ?1 AND sealedValue = seal.previous)`;

export class Received {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  /** By source: nothing is missing between its first number and this one, so that no look goes through all again. */
  readonly #wholeUpTo = new Map<string, number>();

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    this.#db.exec(TABLES);
    this.#insert = this.#db.prepare("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)");
  }

  /** Durable when it returns. @returns whether it is new. @throws where the disk will not */
  keep({ source, id, kind, sequence, sealedValue, previous, text }: Message): boolean {
    const isNew = this.#insert.run(source, id, kind, sequence, sealedValue, previous, text).changes === 1;
    // A new first one, far below: what is between is missing.
    if (isNew && sequence !== null && sequence < (this.#wholeUpTo.get(source) ?? 0)) this.#wholeUpTo.delete(source);
    return isNew;
  }

  sources(): string[] {
    return this.#db
      .prepare("SELECT DISTINCT source FROM messages WHERE sequence IS NOT NULL ORDER BY source")
      .all()
      .map((row) => String(row.source));
  }

  /** The highest number of a result that arrived; 0 before the first. */
  highest(source: string): number {
    const row = this.#db
      .prepare("SELECT max(sequence) AS highest FROM messages WHERE source = ? AND sequence IS NOT NULL")
      .get(source);
    return Number(row?.highest ?? 0);
  }

  /** What is missing between what is here, lowest first. */
  gaps(source: string): Gap[] {
    const gaps = this.#db
      .prepare(GAPS)
      .all(source, this.#wholeUpTo.get(source) ?? 0)
      .map((row) => ({ first: Number(row.first), last: Number(row.last) }));
    this.#wholeUpTo.set(source, gaps[0] === undefined ? this.highest(source) : gaps[0].first - 1);
    return gaps;
  }

  /** Gives up on some: the appliance does not have them. */
  giveUp(source: string, { first, last }: Gap, why: string): void {
    this.#db.prepare("INSERT OR IGNORE INTO gone VALUES (?, ?, ?, ?)").run(source, first, last, why);
  }

  gone(source: string): (Gap & { readonly why: string })[] {
    return this.#db
      .prepare("SELECT first, last, why FROM gone WHERE source = ? ORDER BY first")
      .all(source)
      .map((row) => ({ first: Number(row.first), last: Number(row.last), why: String(row.why) }));
  }

  /** How many seals do not follow the one before: as many as seals, or rows of them, are missing. */
  chainGaps(source: string): number {
    return Math.max(0, Number(this.#db.prepare(LOOSE).get(source)?.loose ?? 0) - 1);
  }

  /** The broker has lost what it kept: what came after the highest number may be missing. */
  doubt(): void {
    for (const source of this.sources()) this.sureUpTo(source, this.highest(source), true);
  }

  /** From which number on it is not known whether more was published; undefined where there is no doubt. */
  doubted(source: string): number | undefined {
    const row = this.#db.prepare("SELECT first FROM unsure WHERE source = ?").get(source);
    return row === undefined ? undefined : Number(row.first);
  }

  /** @param stillUnsure of what follows */
  sureUpTo(source: string, last: number, stillUnsure: boolean): void {
    this.#db.prepare("DELETE FROM unsure WHERE source = ?").run(source);
    if (stillUnsure) this.#db.prepare("INSERT INTO unsure VALUES (?, ?)").run(source, last + 1);
  }

  /** Numbers of the results that are here, lowest first. */
  sequences(source: string): number[] {
    return this.#db
      .prepare("SELECT sequence FROM messages WHERE source = ? AND sequence IS NOT NULL ORDER BY sequence")
      .all(source)
      .map((row) => Number(row.sequence));
  }

  /** A message, whole, as it came. */
  text(source: string, id: string): string | undefined {
    const row = this.#db.prepare("SELECT text FROM messages WHERE source = ? AND id = ?").get(source, id);
    return row === undefined ? undefined : String(row.text);
  }

  close(): void {
    this.#db.close();
  }
}
