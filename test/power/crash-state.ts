/**
 * What may lie on a disk after its power was cut: what was synced is there; of what was written since, any part, in whole
 * or, the last of it, torn. Creating, renaming and removing reach the disk in their order, as with a file system that
 * has a journal; a folder's sync makes them durable, and so does that of a file that was created before it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import type { Operation } from "./op-log.ts";

/** Rebuilt by SQLite from the journal, through memory that no sync ever reaches. */
const NEVER_DURABLE = /-shm$/;

type Data = Extract<Operation, { readonly kind: "write" | "cut" }>;
type Naming = Extract<Operation, { readonly kind: "create" | "remove" | "rename" }>;

interface Inode {
  bytes: Buffer;
  /** Since the last sync. */
  pending: Data[];
}

export type Files = ReadonlyMap<string, Buffer>;

/** The disk while the operations pass. */
export class Disk {
  /** As the running process sees them. */
  #names: Map<string, Inode>;
  /** As they are on the disk. */
  #durable: Map<string, Inode>;
  #pending: { readonly operation: Naming; readonly inode: Inode | undefined }[] = [];

  constructor(initial: Files = new Map()) {
    this.#names = new Map([...initial].map(([name, bytes]) => [name, { bytes, pending: [] }]));
    this.#durable = new Map(this.#names);
  }

  pass(operation: Operation): void {
    switch (operation.kind) {
      case "write":
      case "cut":
        this.#names.get(operation.file)?.pending.push(operation);
        return;
      case "create":
        this.#name(operation, { bytes: Buffer.alloc(0), pending: [] });
        return;
      case "remove":
        this.#name(operation, undefined);
        return;
      case "rename":
        this.#name(operation, this.#names.get(operation.file));
        return;
      case "sync":
        this.#sync(operation.file);
        return;
      case "folder":
      case "said":
        return;
    }
  }

  /** What the power may leave. Nothing of the disk changes. */
  cut(chance: Seeded): Files {
    const names = new Map(this.#durable);
    const kept = chance.below(this.#pending.length + 1);
    for (const { operation, inode } of this.#pending.slice(0, kept)) rename(names, operation, inode);
    const share = chance.pick([0, 0.5, 0.9, 1]);
    const files = new Map<string, Buffer>();
    for (const [name, { bytes, pending }] of names) {
      if (!NEVER_DURABLE.test(name)) files.set(name, survivorsOf(bytes, pending, share, chance));
    }
    return files;
  }

  #name(operation: Naming, inode: Inode | undefined): void {
    rename(this.#names, operation, inode);
    this.#pending.push({ operation, inode });
  }

  #sync(file: string): void {
    if (file !== "") {
      const inode = this.#names.get(file);
      if (inode !== undefined) {
        inode.bytes = inode.pending.reduce((bytes, one) => applied(bytes, one), inode.bytes);
        inode.pending = [];
      }
    }
    if (file === "") this.#settle(this.#pending.length);
    else
      this.#settle(
        1 + this.#pending.findLastIndex(({ operation }) => operation.kind === "create" && operation.file === file),
      );
  }

  #settle(count: number): void {
    for (const { operation, inode } of this.#pending.splice(0, count)) rename(this.#durable, operation, inode);
  }
}

function rename(names: Map<string, Inode>, operation: Naming, inode: Inode | undefined): void {
  names.delete(operation.file);
  const to = operation.kind === "rename" ? operation.to : operation.file;
  if (inode !== undefined) names.set(to, inode);
}

/** Of what was not synced, each by chance; the last of it perhaps torn. */
function survivorsOf(bytes: Buffer, pending: readonly Data[], share: number, chance: Seeded): Buffer {
  const surviving = pending.filter(() => chance.next() < share);
  return surviving.reduce((so, one, i) => {
    const isTorn = i === surviving.length - 1 && chance.next() < 0.5;
    return applied(so, isTorn && one.kind === "write" ? torn(one, chance) : one);
  }, bytes);
}

function torn(write: Extract<Data, { readonly kind: "write" }>, chance: Seeded): Data {
  return { ...write, bytes: write.bytes.subarray(0, chance.below(write.bytes.length)) };
}

function applied(bytes: Buffer, operation: Data): Buffer {
  if (operation.kind === "cut") return resized(bytes, operation.length);
  const { at } = operation;
  const result = resized(bytes, Math.max(bytes.length, at + operation.bytes.length));
  operation.bytes.copy(result, at);
  return result;
}

function resized(bytes: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length);
  bytes.copy(result, 0, 0, Math.min(length, bytes.length));
  return result;
}

export function writeFiles(folder: string, files: Files): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}
