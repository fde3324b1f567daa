/**
 * The highest sequence number that may have been given, in a small file beside the database.
 *
 * A database that is restored from a copy, saved from damage or begun anew does not know which numbers were given
 * after it. This file does: numbers are reserved here in blocks before they are given, so that none is given twice. A
 * clean stop says exactly which one was the last: then a copy that was made in the same life is known as one too.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "../base/error.ts";
import { syncFolder, translated } from "./database.ts";

/** Beside the database. */
export const HIGH_WATER_FILE = "high-water";
const FORM = /^([0-9]{1,15})( exact)?\n$/;

interface Mark {
  readonly value: number;
  readonly exact: boolean;
}

export class HighWater {
  readonly #path: string;
  #mark: Mark;

  /** @throws StoreError STORE_OPEN where the file is there and cannot be read */
  constructor(path: string) {
    this.#path = path;
    this.#mark = translated(path, () => read(path));
  }

  /** No higher number was ever given; 0 where nothing is known. */
  get value(): number {
    return this.#mark.value;
  }

  /** That number itself was given, and nothing since. */
  get isExact(): boolean {
    return this.#mark.exact;
  }

  /** Durable when it returns; a lower value than the present one changes nothing. @throws StoreError */
  raise(value: number): void {
    if (value <= this.#mark.value) return;
    translated(this.#path, () => write(this.#path, `${value}\n`));
    this.#mark = { value, exact: false };
  }

  /** `value` was the last one given. Durable when it returns. @throws StoreError */
  settle(value: number): void {
    translated(this.#path, () => write(this.#path, `${value} exact\n`));
    this.#mark = { value, exact: true };
  }
}

/** What is no number says nothing: the file is replaced whole, so only a hand or the disk can have spoilt it. */
function read(path: string): Mark {
  try {
    const [, value = 0, exact] = FORM.exec(readFileSync(path, "latin1")) ?? [];
    return { value: Number(value), exact: exact !== undefined };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { value: 0, exact: false };
    throw error;
  }
}

function write(path: string, text: string): void {
  const fresh = `${path}.new`;
  const handle = openSync(fresh, "w", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(fresh, path);
  syncFolder(dirname(path));
}
