/** What undoes each pairing, kept in files that a crash leaves whole. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { errorCode, errorMessage } from "../../base/error.ts";
import { type PairingUndo, parseUndo } from "../../device/axeos/pair.ts";
import { PAIRINGS_FOLDER } from "../files.ts";
import { PairError } from "./error.ts";

const FILE_BYTES_MAX = 65_536;

export class PairingRecords {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, PAIRINGS_FOLDER);
  }

  /** @param key of letters, digits and `.-`: the miner's MAC address, or where it is */
  pathOf(key: string): string {
    return join(this.#folder, `${key}.json`);
  }

  /** Undefined where there is none. @throws PairError PAIR_RECORD; AxeosError AXEOS_UNDO_REFUSED if it is damaged */
  find(key: string): PairingUndo | undefined {
    return readRecord(this.pathOf(key));
  }

  /** Durable when it returns. @throws PairError PAIR_RECORD */
  keep(key: string, undo: PairingUndo): void {
    const path = this.pathOf(key);
    const beside = `${path}.${process.pid}.new`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      rmSync(beside, { force: true });
      writeFileSync(beside, `${JSON.stringify(undo, null, 2)}\n`, { mode: 0o600, flag: "wx", flush: true });
      renameSync(beside, path);
      syncFolder(dirname(path));
    } catch (error) {
      throw new PairError("PAIR_RECORD", `${path} could not be written: ${errorMessage(error)}`, { cause: error });
    }
  }

  /** Once it is undone. Idempotent. @throws PairError PAIR_RECORD */
  remove(key: string): void {
    const path = this.pathOf(key);
    try {
      rmSync(path, { force: true });
    } catch (error) {
      throw new PairError("PAIR_RECORD", `${path} could not be removed: ${errorMessage(error)}`, { cause: error });
    }
  }
}

/** Undefined where there is no such file. @throws PairError PAIR_RECORD; AxeosError AXEOS_UNDO_REFUSED */
export function readRecord(path: string): PairingUndo | undefined {
  let text: string;
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > FILE_BYTES_MAX) {
      throw new PairError("PAIR_RECORD", `${path} is no file of at most ${FILE_BYTES_MAX} bytes`);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (error instanceof PairError) throw error;
    throw new PairError("PAIR_RECORD", `${path} could not be read: ${errorMessage(error)}`, { cause: error });
  }
  return parseUndo(text);
}

function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
