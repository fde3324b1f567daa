/** Bytes → lines, wherever they are split or merged, in bounded memory. */

const NEWLINE = 0x0a;
const EMPTY = Buffer.alloc(0);

export interface Lines {
  /** Without their line ends; UTF-8, damage replaced. */
  readonly lines: readonly string[];
  /** A line was longer than the limit: nothing after it can be trusted to begin a line. */
  readonly tooLong: boolean;
}

export class LineSplitter {
  readonly #limitBytes: number;
  /** A copy: a slice would keep the whole chunk alive that it came in. */
  #pending: Buffer = EMPTY;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get pendingBytes(): number {
    return this.#pending.length;
  }

  /** @returns the lines that `chunk` completes, up to one that is too long */
  feed(chunk: Uint8Array): Lines {
    const lines: string[] = [];
    const bytes = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    this.#pending = EMPTY;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      if (end - start > this.#limitBytes) return { lines, tooLong: true };
      lines.push(bytes.toString("utf8", start, end).trim());
      start = end + 1;
    }
    if (bytes.length - start > this.#limitBytes) return { lines, tooLong: true };
    if (start < bytes.length) this.#pending = Buffer.from(bytes.subarray(start));
    return { lines, tooLong: false };
  }
}
