/** Recordings as files: one a case and transport. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import type { TransportKind } from "../rig/bench.ts";
import { LineWriter } from "./encode.ts";
import { RecordingError } from "./error.ts";
import type { End, Event, Header, Recording } from "./format.ts";
import { parseRecording } from "./parse.ts";

export const RECORDINGS_FOLDER = new URL("../recordings", import.meta.url).pathname;
export const EXTENSION = ".ndjson";

/** `usb/hash/boundaries` → `FOLDER/usb/usb-hash-boundaries.ndjson`. */
export function recordingPath(folder: string, transport: TransportKind, caseId: string): string {
  return join(folder, transport, `${caseId.replaceAll("/", "-")}${EXTENSION}`);
}

/** @throws RecordingError RECORDING_MISSING, and all of `parseRecording`'s, each with the file's name */
export function readRecording(path: string): Recording {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new RecordingError("RECORDING_MISSING", `${path}: ${errorMessage(error)}`, { cause: error });
  }
  return at(path, () => parseRecording(bytes));
}

/** The same error, with the file it is about. */
export function at<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    throw new RecordingError(error.code, `${path}: ${error.detail}`, { cause: error });
  }
}

const FLUSH_CHARS = 65_536;

/**
 * Writes a recording beside its place, and puts it there when it is whole: a file that is there is complete. It holds
 * no more than some lines in memory. What fails is kept for the end: the traffic goes on unharmed.
 */
export class RecordingFile {
  readonly path: string;
  readonly #part: string;
  readonly #lines = new LineWriter();
  #text = "";
  #handle: number | undefined;
  #failure: RecordingError | undefined;

  private constructor(path: string, handle: number) {
    this.path = path;
    this.#part = `${path}.part`;
    this.#handle = handle;
  }

  /** @throws RecordingError RECORDING_WRITE, RECORDING_FORM */
  static create(path: string, header: Header): RecordingFile {
    try {
      mkdirSync(dirname(path), { recursive: true });
      const file = new RecordingFile(path, openSync(`${path}.part`, "w", 0o644));
      file.#text += file.#lines.header(header);
      return file;
    } catch (error) {
      if (error instanceof RecordingError) throw error;
      throw writeError(path, error);
    }
  }

  /** Never throws. */
  add(event: Event): void {
    if (this.#handle === undefined || this.#failure !== undefined) return;
    try {
      this.#text += this.#lines.event(event);
      if (this.#text.length >= FLUSH_CHARS) this.#flush(this.#handle);
    } catch (error) {
      this.#failure = error instanceof RecordingError ? error : writeError(this.path, error);
    }
  }

  /** @throws RecordingError RECORDING_LIMIT, RECORDING_WRITE; the file is then not there */
  finish(verdict: End["verdict"], redacted: number): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      this.#text += this.#lines.end(verdict, redacted);
      this.#flush(handle);
      this.#close();
      renameSync(this.#part, this.path);
    } catch (error) {
      this.discard();
      throw error instanceof RecordingError ? error : writeError(this.path, error);
    }
  }

  /** Nothing is kept. Never throws, idempotent. */
  discard(): void {
    this.#close();
    rmSync(this.#part, { force: true });
  }

  #flush(handle: number): void {
    const bytes = Buffer.from(this.#text);
    this.#text = "";
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
  }

  #close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
}

function writeError(path: string, error: unknown): RecordingError {
  return new RecordingError("RECORDING_WRITE", `${path}: ${errorCode(error)} ${errorMessage(error)}`, { cause: error });
}
