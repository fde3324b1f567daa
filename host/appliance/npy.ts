/** NumPy's `.npy` format 1.0 for u8 arrays, written row by row: NEP 1, so that Python reads it with `np.load`. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Magic, version, length field and the padded header together. */
const HEADER_BYTES = 128;

export class NpyWriter {
  readonly #file: FileHandle;
  readonly #shape: readonly number[];
  readonly #rowBytes: number;

  private constructor(file: FileHandle, shape: readonly number[]) {
    this.#file = file;
    this.#shape = shape;
    this.#rowBytes = shape.reduce((product, length) => product * length, 1);
  }

  /** Makes the file, or opens the one that is there as it is. @param shape of one row, without the first axis */
  static async open(path: string, shape: readonly number[]): Promise<NpyWriter> {
    return new NpyWriter(await open(path, constants.O_RDWR | constants.O_CREAT), shape);
  }

  /** Whether the file is an array of rows of this shape, at least `rows` of them, all there. */
  async holds(rows: number): Promise<boolean> {
    const header = Buffer.alloc(HEADER_BYTES);
    await this.#file.read(header, 0, HEADER_BYTES, 0);
    const length = Number(/'shape': \((\d+),/.exec(header.toString("latin1"))?.[1]);
    const { size } = await this.#file.stat();
    return (
      length >= rows &&
      header.equals(npyHeader([length, ...this.#shape])) &&
      size >= HEADER_BYTES + rows * this.#rowBytes
    );
  }

  async write(row: number, bytes: Uint8Array): Promise<void> {
    if (bytes.length !== this.#rowBytes) throw new RangeError(`a row has ${this.#rowBytes} bytes, not ${bytes.length}`);
    const { bytesWritten } = await this.#file.write(bytes, 0, bytes.length, HEADER_BYTES + row * this.#rowBytes);
    // The rest would become zeros when the file is brought to its length.
    if (bytesWritten < bytes.length) throw new Error(`row ${row} was written in part: is the disk full?`);
  }

  /** Makes the first `rows` rows the whole array, durably. */
  async finish(rows: number): Promise<void> {
    await this.#file.write(npyHeader([rows, ...this.#shape]), 0, HEADER_BYTES, 0);
    await this.#file.truncate(HEADER_BYTES + rows * this.#rowBytes);
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** @param shape of the whole array, at least one axis */
export function npyHeader(shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '|u1', 'fortran_order': False, 'shape': (${tuple}), }`;
  const header = Buffer.alloc(HEADER_BYTES, 0x20);
  header.write("\x93NUMPY\x01\x00", 0, "latin1");
  header.writeUInt16LE(HEADER_BYTES - 10, 8);
  header.write(dictionary, 10, "latin1");
  header[HEADER_BYTES - 1] = 0x0a;
  return header;
}
