/** What a miner makes of `mining.notify`: the headers it hashes. Written against the wire format, not against host/work. */
import { hash } from "node:crypto";

export interface Notify {
  readonly id: string;
  readonly prevhash: string;
  readonly coinb1: string;
  readonly coinb2: string;
  readonly branches: readonly string[];
  readonly version: number;
  readonly nbits: string;
  readonly ntime: string;
  readonly clean: boolean;
}

const sha256d = (bytes: Uint8Array) => hash("sha256", hash("sha256", bytes, "buffer"), "buffer");
const swappedWords = (hex: string) => hex.replace(/(..)(..)(..)(..)/g, "$4$3$2$1");

const text = (value: unknown, shape: RegExp): string => {
  if (typeof value !== "string" || !shape.test(value)) throw new TypeError(`${JSON.stringify(value)} in a notify`);
  return value;
};

/** @throws TypeError for anything that strict firmware would not take */
export function readNotify(params: readonly unknown[]): Notify {
  const [id, prevhash, coinb1, coinb2, branches, version, nbits, ntime, clean] = params;
  if (params.length !== 9 || !Array.isArray(branches) || typeof clean !== "boolean") throw new TypeError("a notify");
  return {
    id: text(id, /^[0-9a-f]{1,16}$/),
    prevhash: text(prevhash, /^[0-9a-f]{64}$/),
    coinb1: text(coinb1, /^(?:[0-9a-f]{2})+$/),
    coinb2: text(coinb2, /^(?:[0-9a-f]{2})+$/),
    branches: branches.map((branch: unknown) => text(branch, /^[0-9a-f]{64}$/)),
    version: Number.parseInt(text(version, /^[0-9a-f]{8}$/), 16),
    nbits: text(nbits, /^[0-9a-f]{8}$/),
    ntime: text(ntime, /^[0-9a-f]{8}$/),
    clean,
  };
}

/** The header of a job with this extranonce, without version bits and nonce. */
export function headerOf(job: Notify, extranonce: string): Buffer {
  let root = sha256d(Buffer.from(job.coinb1 + extranonce + job.coinb2, "hex"));
  for (const branch of job.branches) root = sha256d(Buffer.concat([root, Buffer.from(branch, "hex")]));
  const header = Buffer.alloc(80);
  header.set(Buffer.from(swappedWords(job.prevhash), "hex"), 4);
  header.set(root, 36);
  header.writeUInt32LE(Number.parseInt(job.ntime, 16), 68);
  header.writeUInt32LE(Number.parseInt(job.nbits, 16), 72);
  return header;
}

/** What the header proves; about 2^-32 for most. */
export function difficultyOf(header: Uint8Array): number {
  const digest = hash("sha256", hash("sha256", header, "buffer"), "buffer");
  const value = Number(`0x${digest.reverse().toString("hex")}`);
  return (0xffff * 2 ** 208) / value;
}
