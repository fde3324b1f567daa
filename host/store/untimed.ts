/**
 * What was stored while nobody knew the time is as old as is known for certain: it was there when the clock was right
 * again. Without this, results from before the clock was set would be too old the moment it is.
 *
 * Where such a time began is noted in the database, so that whoever starts after a kill knows it too. Only what the
 * retention policy goes by is set; what a result says of its time is never changed. Inside the caller's transaction.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

const NOTE = "untimed";

/** What has a time to be removed by: its number, and which of it. */
const TABLES = [
  { table: "batches", number: "batch", time: "closedUtcMs", which: "TRUE" },
  { table: "results", number: "sequence", time: "utcMs", which: "bound = 0" },
  { table: "outbox", number: "position", time: "utcMs", which: "sequence IS NULL" },
] as const;

/** Of each table the last number that was given. */
type Numbers = Readonly<Record<string, number>>;

interface Table {
  readonly name: string;
  /** The numbers after one. */
  readonly page: StatementSync;
  readonly set: StatementSync;
}

export class Untimed {
  readonly #given: StatementSync;
  readonly #note: StatementSync;
  readonly #setNote: StatementSync;
  readonly #clearNote: StatementSync;
  readonly #tables: readonly Table[];
  /** When the time was last known; at the beginning nothing is known of it. */
  #known: Numbers;

  constructor(db: DatabaseSync) {
    this.#given = db.prepare("SELECT name, seq FROM sqlite_sequence");
    this.#note = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#setNote = db.prepare(
      "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    this.#clearNote = db.prepare("DELETE FROM meta WHERE name = ?");
    this.#tables = TABLES.map(({ table, number, time, which }) => ({
      name: table,
      page: db.prepare(`SELECT ${number} AS number FROM ${table} WHERE ${number} > ? ORDER BY ${number} LIMIT ?`),
      set: db.prepare(`UPDATE ${table} SET ${time} = :utcMs WHERE ${number} > :from AND ${number} <= :to AND ${which}`),
    }));
    this.#known = this.#numbers();
  }

  /** There is something whose time is not known yet. */
  get isAny(): boolean {
    return this.#noted() !== undefined;
  }

  /** The time is not known now. */
  begin(): void {
    if (!this.isAny) this.#setNote.run(NOTE, JSON.stringify(this.#known));
  }

  /** The time is known now, and everything that is stored has one. */
  mark(): void {
    this.#known = this.#numbers();
  }

  /** The time is known now. @returns how many were looked at; fewer than `most` where all that is stored has a time */
  settle(utcMs: number, most: number): number {
    const noted = this.#noted() ?? this.#numbers();
    const reached: Record<string, number> = { ...noted };
    let left = most;
    for (const { name, page, set } of this.#tables) {
      const from = noted[name] ?? 0;
      const numbers = page.all(from, left).map(({ number }) => Number(number));
      const to = numbers.at(-1) ?? from;
      set.run({ utcMs, from, to });
      reached[name] = to;
      left -= numbers.length;
      if (left === 0) break;
    }
    if (left === 0) this.#setNote.run(NOTE, JSON.stringify(reached));
    else this.#clearNote.run(NOTE);
    return most - left;
  }

  #numbers(): Numbers {
    return Object.fromEntries(this.#given.all().map(({ name, seq }) => [String(name), Number(seq)]));
  }

  #noted(): Numbers | undefined {
    const text = this.#note.get(NOTE)?.value;
    return text === undefined ? undefined : (JSON.parse(String(text)) as Numbers);
  }
}
