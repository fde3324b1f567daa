/**
 * Rows straight from the pages of tables, wherever they lie: neither the schema nor the tree above them is needed, so one
 * bad page costs its own rows and no others. Whether a row is what was written, its reader has to find out.
 */
import type { PageFile } from "./page-file.ts";

export type Value = number | string | Uint8Array | null;

export interface CarvedRow {
  readonly rowid: number;
  readonly values: readonly Value[];
}

const LEAF = 0x0d;
const LEAF_HEADER_BYTES = 8;
/** Of the first page, before its tree. */
const FILE_HEADER_BYTES = 100;
const INTEGER_BYTES: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8 };

/** A page, or what a row says of itself, that no database has. */
class Malformed extends Error {}

/** Every row of every table that can be read. */
export function* carve(file: PageFile): Generator<CarvedRow> {
  for (let number = 1; number <= file.pages; number++) {
    const page = file.page(number);
    const start = startOf(number);
    if (page?.[start] !== LEAF) continue;
    for (const at of attempt(() => cellsOf(page, start)) ?? []) {
      const row = attempt(() => rowAt(file, page, at));
      if (row !== undefined) yield row;
    }
  }
}

function startOf(number: number): number {
  return number === 1 ? FILE_HEADER_BYTES : 0;
}

/** Where a page's cells begin; those that would lie outside of it are left out. */
function cellsOf(page: Buffer, start: number): number[] {
  const count = Math.min(page.readUInt16BE(start + 3), Math.floor((page.length - start - LEAF_HEADER_BYTES) / 2));
  const cells = Array.from({ length: count }, (_, i) => page.readUInt16BE(start + LEAF_HEADER_BYTES + 2 * i));
  return cells.filter((at) => at >= start + LEAF_HEADER_BYTES && at + 4 <= page.length);
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    // What lies outside of the page or the row.
    if (error instanceof Malformed || error instanceof RangeError) return undefined;
    throw error;
  }
}

function rowAt(file: PageFile, page: Buffer, at: number): CarvedRow {
  const size = varint(page, at);
  const rowid = varint(page, size.end);
  return { rowid: rowid.value, values: recordOf(payloadAt(file, page, rowid.end, size.value)) };
}

/** What does not fit the page lies in a chain of others. */
function payloadAt(file: PageFile, page: Buffer, at: number, bytes: number): Buffer {
  const usable = file.usableBytes;
  const most = usable - 35;
  if (bytes <= most) return slice(page, at, bytes);
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const even = least + ((bytes - least) % (usable - 4));
  const local = even <= most ? even : least;
  const room = usable - 4;
  const links = Math.ceil((bytes - local) / room);
  if (links > file.pages) throw new Malformed("a row larger than the file");
  const parts = [slice(page, at, local)];
  let next = page.readUInt32BE(at + local);
  for (let left = bytes - local; left > 0; left -= room) {
    const link = file.page(next);
    if (link === undefined) throw new Malformed("the rest of a row is not there");
    parts.push(slice(link, 4, Math.min(left, room)));
    next = link.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

function recordOf(payload: Buffer): Value[] {
  const header = varint(payload, 0);
  const values: Value[] = [];
  let at = header.value;
  for (let place = header.end; place < header.value; ) {
    const type = varint(payload, place);
    place = type.end;
    const { value, bytes } = columnOf(payload, at, type.value);
    values.push(value);
    at += bytes;
  }
  if (at !== payload.length) throw new Malformed("a row of another length");
  return values;
}

function columnOf(payload: Buffer, at: number, type: number): { readonly value: Value; readonly bytes: number } {
  if (type === 0) return { value: null, bytes: 0 };
  if (type === 8 || type === 9) return { value: type - 8, bytes: 0 };
  if (type === 7) return { value: payload.readDoubleBE(at), bytes: 8 };
  const integer = INTEGER_BYTES[type];
  if (integer !== undefined) return { value: integerAt(payload, at, integer), bytes: integer };
  if (type < 12) throw new Malformed("a value of no type");
  const bytes = Math.floor((type - 12) / 2);
  const value = slice(payload, at, bytes);
  return { value: type % 2 === 1 ? value.toString() : value, bytes };
}

function integerAt(payload: Buffer, at: number, bytes: number): number {
  const value = bytes === 8 ? Number(payload.readBigInt64BE(at)) : payload.readIntBE(at, bytes);
  if (!Number.isSafeInteger(value)) throw new Malformed("a number too large");
  return value;
}

/** Big-endian, seven bits a byte, eight in the ninth. Negative ones are no size and no number of ours. */
function varint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes.readUInt8(at + i);
    value = value * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(value)) break;
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  throw new Malformed("a number too large");
}

function slice(bytes: Buffer, at: number, length: number): Buffer {
  if (at + length > bytes.length) throw new Malformed("beyond the page");
  return bytes.subarray(at, at + length);
}
