/** The real shares of an LV06 (ATTRIBUTION.txt), and jobs whose shares cost a test next to nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION_MASK } from "../header.ts";
import { type Job, sealJob } from "../job.ts";
import { PreparedJob, type Share, type ShareTerms } from "../prepared-job.ts";
import { readShare } from "../share.ts";
import { targetOfDifficulty } from "../target.ts";

interface RecordedShare {
  readonly job_id: string;
  readonly prevhash: string;
  readonly coinb1: string;
  readonly coinb2: string;
  readonly merkle_branch: readonly string[];
  readonly version: string;
  readonly nbits: string;
  readonly ntime: string;
  readonly extranonce1: string;
  readonly extranonce2: string;
  readonly nonce: string;
  readonly version_bits: string;
  readonly share_difficulty: number;
}

export interface RealShare {
  readonly job: Job;
  readonly terms: ShareTerms;
  readonly share: Share;
  /** As the recording states it, three decimals. */
  readonly recordedDifficulty: number;
  /** The prevhash field of `mining.notify`. */
  readonly wirePrevhash: Buffer;
}

const fromHex = (hex: string) => Buffer.from(hex, "hex");
const number = (hex: string) => Number.parseInt(hex, 16);

function realShare(record: RecordedShare): RealShare {
  const share = readShare({ ...record, jobId: record.job_id, versionBits: record.version_bits });
  if (share === null) throw new TypeError(`${record.job_id} is no share`);
  const wirePrevhash = fromHex(record.prevhash);
  const job = {
    id: record.job_id,
    version: number(record.version),
    prevhash: Buffer.from(wirePrevhash).swap32(),
    coinb1: fromHex(record.coinb1),
    coinb2: fromHex(record.coinb2),
    branches: record.merkle_branch.map(fromHex),
    nbits: number(record.nbits),
    ntime: number(record.ntime),
  };
  const terms = {
    extranonce1: fromHex(record.extranonce1),
    extranonce2Bytes: 4,
    versionMask: VERSION_MASK,
    target: targetOfDifficulty(256),
    ntimeSlackS: 0,
  };
  return { job, terms, share, recordedDifficulty: record.share_difficulty, wirePrevhash };
}

/** The 20 shares of the recording, with the stock ticket mask's difficulty as target. */
export function realShares(): RealShare[] {
  const file: { shares: RecordedShare[] } = JSON.parse(
    readFileSync(join(import.meta.dirname, "lv06-shares.json"), "utf8"),
  );
  return file.shares.map(realShare);
}

export const COMMITMENT: Uint8Array = Buffer.alloc(32, 0xd5);

/** The target that every hash meets. */
export const ANY_HASH: Uint8Array = Buffer.alloc(32, 0xff);

/** A sealing job with one connection's terms; unless they say otherwise, every share meets its target. */
export function easyJob(terms: Partial<ShareTerms> = {}): PreparedJob {
  const job = sealJob({ id: "1a", commitment: COMMITMENT, ntime: 1_800_000_000, extranonceBytes: 8 });
  return new PreparedJob(job, {
    extranonce1: Buffer.from("0000002a", "hex"),
    extranonce2Bytes: 4,
    versionMask: VERSION_MASK,
    target: ANY_HASH,
    ntimeSlackS: 0,
    ...terms,
  });
}

/** A share of `easyJob` with this nonce. */
export function easyShare(nonce: number): Share {
  return { jobId: "1a", extranonce2: Buffer.alloc(4), ntime: 1_800_000_000, nonce, versionBits: 0x2000 };
}
