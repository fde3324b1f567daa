/**
 * The pages of an SQLite file as they lie on the disk, without SQLite: for a file that it refuses to read.
 *
 * What the journal holds and SQLite would have taken of it (whole transactions, each frame with its checksum) stands in
 * the place of the file's own pages. See sqlite.org/fileformat2.html.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { errorCode } from "../base/error.ts";

const MAGIC = Buffer.from("SQLite format 3\0");
const HEAD_BYTES = 100;
const USER_VERSION_AT = 60;
/** Of a new file, unless it is told otherwise. */
export const DEFAULT_PAGE_BYTES = 4096;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const WAL_MAGIC = 0x377f0682;

interface Journal {
  readonly pageBytes: number;
  /** Page → where its newest content begins in the journal. */
  readonly pages: ReadonlyMap<number, number>;
  /** The database's size in pages after the last transaction. */
  readonly count: number;
}

export class PageFile {
  readonly pageBytes: number;
  /** Of a page, what SQLite uses. */
  readonly usableBytes: number;
  readonly pages: number;
  /** Of the schema; undefined where the file's head cannot be read. */
  readonly userVersion: number | undefined;
  readonly #file: RandomFile;
  readonly #wal: RandomFile;
  readonly #journal: Journal | undefined;

  /** A file that is not there has no pages; its journal may have some. @throws the system's error where one cannot be opened */
  constructor(path: string) {
    this.#file = new RandomFile(path);
    this.#wal = new RandomFile(`${path}-wal`);
    this.#journal = readJournal(this.#wal);
    this.pageBytes = pageBytesIn(this.#file.read(0, HEAD_BYTES)) ?? this.#journal?.pageBytes ?? DEFAULT_PAGE_BYTES;
    if (this.#journal?.pageBytes !== this.pageBytes) this.#journal = undefined;
    this.pages = this.#journal?.count ?? Math.ceil(this.#file.bytes / this.pageBytes);
    const head = this.page(1);
    const isKnown = (head?.length ?? 0) >= HEAD_BYTES && head?.subarray(0, MAGIC.length).equals(MAGIC) === true;
    this.usableBytes = this.pageBytes - (isKnown ? (head?.[20] ?? 0) : 0);
    this.userVersion = isKnown ? head?.readUInt32BE(USER_VERSION_AT) : undefined;
  }

  /** Whether the file ends within a page that the journal does not hold: SQLite reads zeros for the rest of it. */
  get isCutOff(): boolean {
    const last = Math.ceil(this.#file.bytes / this.pageBytes);
    return this.#file.bytes % this.pageBytes !== 0 && this.#journal?.pages.has(last) !== true;
  }

  /** From 1 on; undefined where there is none, or the disk does not give it. One that the file ends in is shorter. */
  page(number: number): Buffer | undefined {
    if (!(number >= 1 && number <= this.pages)) return undefined;
    const at = this.#journal?.pages.get(number);
    return at === undefined
      ? this.#file.readSome((number - 1) * this.pageBytes, this.pageBytes)
      : this.#wal.read(at, this.pageBytes);
  }

  close(): void {
    this.#file.close();
    this.#wal.close();
  }
}

class RandomFile {
  readonly bytes: number;
  readonly #handle: number | undefined;

  constructor(path: string) {
    this.#handle = openIfThere(path);
    this.bytes = this.#handle === undefined ? 0 : fstatSync(this.#handle).size;
  }

  /** Undefined where not all of it is there, or can be read. */
  read(at: number, length: number): Buffer | undefined {
    const bytes = this.readSome(at, length);
    return bytes?.length === length ? bytes : undefined;
  }

  /** As much as there is; undefined where nothing is, or what is there cannot be read. */
  readSome(at: number, length: number): Buffer | undefined {
    if (this.#handle === undefined || at >= this.bytes) return undefined;
    const bytes = Buffer.alloc(length);
    try {
      return bytes.subarray(0, readSync(this.#handle, bytes, 0, length, at));
    } catch {
      // A bad sector costs its page.
      return undefined;
    }
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function pageBytesIn(head: Buffer | undefined): number | undefined {
  if (head?.subarray(0, MAGIC.length).equals(MAGIC) !== true) return undefined;
  const stated = head.readUInt16BE(16);
  return validPageBytes(stated === 1 ? 65_536 : stated);
}

function validPageBytes(bytes: number): number | undefined {
  return bytes >= 512 && bytes <= 65_536 && (bytes & (bytes - 1)) === 0 ? bytes : undefined;
}

/** Undefined where it holds no whole transaction. */
function readJournal(wal: RandomFile): Journal | undefined {
  const head = wal.read(0, WAL_HEADER_BYTES);
  const pageBytes = validPageBytes(head?.readUInt32BE(8) ?? 0);
  if (head === undefined || pageBytes === undefined || (head.readUInt32BE(0) & ~1) >>> 0 !== WAL_MAGIC)
    return undefined;
  const sums = new Checksum((head.readUInt32BE(0) & 1) === 1);
  sums.add(head.subarray(0, 24));
  if (!sums.equals(head, 24)) return undefined;
  return framesOf(wal, head.subarray(16, 24), pageBytes, sums);
}

/** Up to the last transaction that is whole. */
function framesOf(wal: RandomFile, salts: Buffer, pageBytes: number, sums: Checksum): Journal | undefined {
  const [pages, open] = [new Map<number, number>(), new Map<number, number>()];
  let count = 0;
  const step = FRAME_HEADER_BYTES + pageBytes;
  for (let at = WAL_HEADER_BYTES; at + step <= wal.bytes; at += step) {
    const frame = wal.read(at, step);
    if (frame?.subarray(8, 16).equals(salts) !== true) break;
    sums.add(frame.subarray(0, 8));
    sums.add(frame.subarray(FRAME_HEADER_BYTES));
    if (!sums.equals(frame, 16)) break;
    open.set(frame.readUInt32BE(0), at + FRAME_HEADER_BYTES);
    const sizeAfter = frame.readUInt32BE(4);
    if (sizeAfter === 0) continue;
    count = sizeAfter;
    for (const [page, place] of open) pages.set(page, place);
    open.clear();
  }
  return count === 0 ? undefined : { pageBytes, pages, count };
}

/** The journal's running checksum. */
class Checksum {
  readonly #bigEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(bigEndian: boolean) {
    this.#bigEndian = bigEndian;
  }

  /** @param bytes a multiple of 8 */
  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += 8) {
      this.#first = (this.#first + this.#word(bytes, at) + this.#second) >>> 0;
      this.#second = (this.#second + this.#word(bytes, at + 4) + this.#first) >>> 0;
    }
  }

  equals(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first && bytes.readUInt32BE(at + 4) === this.#second;
  }

  #word(bytes: Buffer, at: number): number {
    return this.#bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
  }
}
