/** One miner's jobs, difficulty and shares. */
import type { Share } from "../../work/prepared-job.ts";
import { checkShare, readShare, SHARE_REFUSALS, type ShareRefusal, type ShareVerdict } from "../../work/share.ts";
import { targetOfDifficulty } from "../../work/target.ts";
import type { Batch } from "./batch.ts";
import { JobBook, type MakeJob } from "./jobs.ts";
import { difficultyNotice, jobNotice } from "./message.ts";
import { Vardiff, type VardiffOptions } from "./vardiff.ts";

/** Both clocks at one instant, in ms: one that never goes back, and the time of day. */
export interface Moment {
  readonly monoMs: number;
  readonly utcMs: number;
}

/** As every known firmware can take them; other lengths repeat jobs or fail. */
export const EXTRANONCE1_BYTES = 4;
export const EXTRANONCE2_BYTES = 4;
/** Some miners roll the time; jobs are renewed long before this. */
const NTIME_SLACK_S = 600;

export interface MinerWorkOptions {
  /** 4 bytes, of no other connection. */
  readonly extranonce1: Uint8Array;
  readonly makeJob: MakeJob;
  readonly nextJobId: () => string;
  readonly vardiff: VardiffOptions;
  /** Shares of all its current jobs together. */
  readonly shareLimit: number;
}

export interface AcceptedShare {
  readonly ok: true;
  readonly verdict: Extract<ShareVerdict, { ok: true }>;
  readonly batch: Batch;
  /** What was asked of the share; what it proves stands in the verdict. */
  readonly difficulty: number;
  /** Since the last share, or the first job, in ms. */
  readonly waitedMs: number;
}

export type JudgedShare =
  | AcceptedShare
  | { readonly ok: false; readonly reason: ShareRefusal; readonly refusal: readonly [number, string] };

export class MinerWork {
  readonly #options: MinerWorkOptions;
  readonly #vardiff: Vardiff;
  readonly #book: JobBook<Batch>;
  #toldDifficulty: number | null = null;
  #waitingSinceMs: number;
  /** When the last job went out. */
  jobMs: number;

  constructor(options: MinerWorkOptions, { monoMs }: Moment) {
    this.#options = options;
    this.#vardiff = new Vardiff(options.vardiff, monoMs);
    this.#book = new JobBook(options.shareLimit);
    this.#waitingSinceMs = monoMs;
    this.jobMs = monoMs;
  }

  get difficulty(): number {
    return this.#vardiff.difficulty;
  }

  /**
   * A fresh job. A new difficulty goes ahead of it, because it takes effect with the next job only.
   *
   * @param clean whether the miner is to drop what it works on; a new difficulty always does
   * @returns the lines to send
   */
  issue(batch: Batch, versionMask: number, clean: boolean, at: Moment): string {
    const { extranonce1, makeJob, nextJobId } = this.#options;
    const { difficulty } = this;
    const extranonceBytes = EXTRANONCE1_BYTES + EXTRANONCE2_BYTES;
    const ntime = Math.floor(at.utcMs / 1000);
    const job = makeJob({ id: nextJobId(), commitment: batch.commitment, ntime, extranonceBytes });
    const target = targetOfDifficulty(difficulty);
    const terms = { extranonce1, extranonce2Bytes: EXTRANONCE2_BYTES, versionMask, target, ntimeSlackS: NTIME_SLACK_S };
    this.#book.issue(job, terms, { batch, difficulty }, at.monoMs);
    this.jobMs = at.monoMs;
    if (difficulty === this.#toldDifficulty) return jobNotice(job, clean);
    this.#toldDifficulty = difficulty;
    return difficultyNotice(difficulty) + jobNotice(job, true);
  }

  /** @param params of `mining.submit` after the worker's name, untrusted */
  judge(params: readonly unknown[], at: Moment): JudgedShare {
    const share = shareOf(params);
    if (share === null) return refused("malformed");
    this.#book.expire(at.monoMs);
    const verdict = checkShare(this.#book, share, this.#book.seen);
    const issued = this.#book.issued(share.jobId);
    if (!verdict.ok || issued === undefined) return refused(verdict.ok ? "stale" : verdict.reason);
    const waitedMs = at.monoMs - this.#waitingSinceMs;
    this.#waitingSinceMs = at.monoMs;
    return { ok: true, verdict, batch: issued.batch, difficulty: issued.difficulty, waitedMs };
  }

  /** After an accepted share. @returns whether the difficulty changed, so that a job must follow */
  retarget(share: AcceptedShare, at: Moment): boolean {
    return share.difficulty === this.difficulty && this.#vardiff.share(at.monoMs);
  }

  /** From time to time. @returns as `retarget` */
  tick(at: Moment): boolean {
    return this.#vardiff.tick(at.monoMs);
  }
}

/** Null for anything that is no share of the right form. */
function shareOf(params: readonly unknown[]): Share | null {
  const [jobId, extranonce2, ntime, nonce, bits] = params;
  if (typeof jobId !== "string" || typeof extranonce2 !== "string") return null;
  if (typeof ntime !== "string" || typeof nonce !== "string") return null;
  const versionBits = bits ?? undefined;
  if (versionBits !== undefined && typeof versionBits !== "string") return null;
  return readShare({ jobId, extranonce2, ntime, nonce, versionBits });
}

function refused(reason: ShareRefusal): JudgedShare {
  return { ok: false, reason, refusal: SHARE_REFUSALS[reason] };
}
