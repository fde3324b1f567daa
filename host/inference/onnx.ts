/**
 * Reads from an ONNX file what its manifest also says: inputs, outputs, where the weights lie, what it was made for.
 *
 * Only that: the file's own format (onnx.proto3) is protobuf, of which this skips everything else. ONNX Runtime judges
 * the rest, but only once a process is started with it; what is wrong here is known, by name, before.
 */
import type { Tensors } from "./pattern.ts";

/** Bytes of another file that hold a tensor. */
export interface External {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface Graph {
  readonly inputs: Tensors;
  readonly outputs: Tensors;
  readonly external: readonly External[];
  /** The file's `metadata_props`. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Graphs within graphs (branches, loops); ours have none. */
const DEPTH_MAX = 16;
const EXTERNAL = 1;
/** TensorProto.DataType: the two that parts may use. */
const TYPE_NAMES: Readonly<Record<number, string>> = { 1: "float32", 2: "uint8" };

type Value = number | Uint8Array;

interface Field {
  readonly number: number;
  readonly value: Value;
}

/** @throws RangeError when the bytes are no ONNX file */
export function readGraph(bytes: Uint8Array): Graph {
  const reading = new Reading();
  reading.model(bytes);
  return reading;
}

class Reading implements Graph {
  readonly inputs = new Map<string, string>();
  readonly outputs = new Map<string, string>();
  readonly external: External[] = [];
  readonly metadata = new Map<string, string>();
  readonly #initialisers = new Set<string>();

  model(bytes: Uint8Array): void {
    let graphs = 0;
    for (const { number, value } of fields(bytes)) {
      if (number === 7) {
        this.#graph(message(value), 0);
        graphs += 1;
      }
      if (number === 14) this.metadata.set(...pair(message(value)));
      // A function's body: its nodes may hold tensors too.
      if (number === 25) this.#each(message(value), 7, (node) => this.#node(node, 1));
    }
    if (graphs !== 1) throw new RangeError(`${graphs} graphs`);
    // Before IR 4 every initialiser was listed as an input.
    for (const name of this.#initialisers) this.inputs.delete(name);
  }

  #graph(bytes: Uint8Array, depth: number): void {
    if (depth > DEPTH_MAX) throw new RangeError("graphs nested too deep");
    for (const { number, value } of fields(bytes)) {
      if (number === 1) this.#node(message(value), depth);
      if (number === 5) {
        const name = this.#tensor(message(value));
        if (depth === 0) this.#initialisers.add(name);
      }
      if (number === 15) this.#sparse(message(value));
      if (depth === 0 && number === 11) this.inputs.set(...valueInfo(message(value)));
      if (depth === 0 && number === 12) this.outputs.set(...valueInfo(message(value)));
    }
  }

  /** Attributes may hold tensors (5, 10), sparse ones (22, 23) and graphs (6, 11). */
  #node(bytes: Uint8Array, depth: number): void {
    this.#each(bytes, 5, (attribute) => {
      for (const { number, value } of fields(attribute)) {
        if (number === 5 || number === 10) this.#tensor(message(value));
        if (number === 22 || number === 23) this.#sparse(message(value));
        if (number === 6 || number === 11) this.#graph(message(value), depth + 1);
      }
    });
  }

  #sparse(bytes: Uint8Array): void {
    for (const number of [1, 2]) this.#each(bytes, number, (tensor) => this.#tensor(tensor));
  }

  /** @returns its name */
  #tensor(bytes: Uint8Array): string {
    let name = "";
    let isExternal = false;
    const entries = new Map<string, string>();
    for (const { number, value } of fields(bytes)) {
      if (number === 8) name = text(value);
      if (number === 13) entries.set(...pair(message(value)));
      if (number === 14) isExternal = value === EXTERNAL;
    }
    if (isExternal || entries.size > 0) {
      const length = Number(entries.get("length") ?? Number.NaN);
      const offset = Number(entries.get("offset") ?? 0);
      if (!Number.isSafeInteger(length + offset) || length < 0 || offset < 0) {
        throw new RangeError(`tensor ${name} does not say where its weights lie`);
      }
      this.external.push({ location: entries.get("location") ?? "", offset, length });
    }
    return name;
  }

  #each(bytes: Uint8Array, wanted: number, work: (value: Uint8Array) => void): void {
    for (const { number, value } of fields(bytes)) if (number === wanted) work(message(value));
  }
}

/** ValueInfoProto: name 1, type 2 → tensor_type 1 → elem_type 1, shape 2 → dim 1 → dim_value 1. */
function valueInfo(bytes: Uint8Array): [string, string] {
  let name = "";
  let words = "no tensor";
  for (const { number, value } of fields(bytes)) {
    if (number === 1) name = text(value);
    if (number !== 2) continue;
    for (const type of fields(message(value))) if (type.number === 1) words = tensorType(message(type.value));
  }
  return [name, words];
}

function tensorType(bytes: Uint8Array): string {
  let type = "untyped";
  const shape: string[] = [];
  for (const { number, value } of fields(bytes)) {
    if (number === 1) type = TYPE_NAMES[Number(value)] ?? `type ${Number(value)}`;
    if (number !== 2) continue;
    for (const dim of fields(message(value))) if (dim.number === 1) shape.push(dimension(message(dim.value)));
  }
  return `${type} [${shape}]`;
}

/** A dimension of a given size; `?` for one that is left open. */
function dimension(bytes: Uint8Array): string {
  let words = "?";
  for (const { number, value } of fields(bytes)) if (number === 1) words = String(value);
  return words;
}

/** StringStringEntryProto. */
function pair(bytes: Uint8Array): [string, string] {
  let [key, word] = ["", ""];
  for (const { number, value } of fields(bytes)) {
    if (number === 1) key = text(value);
    if (number === 2) word = text(value);
  }
  return [key, word];
}

function message(value: Value): Uint8Array {
  if (typeof value === "number") throw new RangeError("a number where a message belongs");
  return value;
}

function text(value: Value): string {
  return Buffer.from(message(value)).toString("utf8");
}

/** The fields of one protobuf message; 4- and 8-byte numbers are skipped, nothing read here is one. */
function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; shift < 2 ** 63; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("it ends in the middle");
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
    // The tenth byte of a negative number.
    at += 1;
    return value;
  };
  const skip = (length: number): number => {
    const from = at;
    at += length;
    if (at > bytes.length) throw new RangeError("it ends in the middle");
    return from;
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        skip(8);
        break;
      case 2: {
        const length = varint();
        const from = skip(length);
        yield { number, value: bytes.subarray(from, at) };
        break;
      }
      case 5:
        skip(4);
        break;
      default:
        throw new RangeError(`no field of kind ${tag % 8} is known`);
    }
  }
}
