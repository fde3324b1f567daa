/** The jobs of one connection: given out, good for a while, then stale. */
import { type Job, SEAL_BRANCH, type SealJobOptions, sealJob } from "../../work/job.ts";
import { PreparedJob, type ShareTerms } from "../../work/prepared-job.ts";
import { SeenShares } from "../../work/seen.ts";
import { taggedSha256 } from "../../work/sha256.ts";
import type { JobsById } from "../../work/share.ts";

export type MakeJob = (options: SealJobOptions) => Job;

/**
 * A sealing job whose branch is made of its id: two jobs of one batch never have a header in common, so that no share
 * can be sent again as one of another job, and no miner does the same work twice.
 */
export function stratumJob(options: SealJobOptions): Job {
  return { ...sealJob(options), branches: [taggedSha256("lv06/branch/1", SEAL_BRANCH, Buffer.from(options.id))] };
}

/** Job ids that were never used before, also not before a restart: 16 hex digits. */
export class JobIds {
  readonly #start: string;
  #next = 0;

  /** @param start 4 bytes, random per start */
  constructor(start: Uint8Array) {
    this.#start = Buffer.from(start).toString("hex");
  }

  next(): string {
    this.#next = (this.#next + 1) >>> 0;
    return this.#start + this.#next.toString(16).padStart(8, "0");
  }
}

/** One job as it was given out. @typeParam Batch what it is for */
export interface Issued<Batch> {
  readonly prepared: PreparedJob;
  readonly batch: Batch;
  readonly difficulty: number;
}

interface Entry<Batch> extends Issued<Batch> {
  goodUntilMs: number;
}

/** Keepalive jobs follow each other every 30 s; the oldest firmware works off a queue of 25 s first. */
const JOBS_KEPT = 6;
const STALE_IDS_KEPT = 32;
/** Of a job that was replaced by one of another difficulty: what is under way still counts. */
const GRACE_MS = 5000;

export class JobBook<Batch> implements JobsById {
  readonly seen: SeenShares;
  /** In the order in which they were given out. */
  readonly #jobs = new Map<string, Entry<Batch>>();
  readonly #stale = new Set<string>();

  /** @param shareLimit shares of all current jobs together */
  constructor(shareLimit: number) {
    this.seen = new SeenShares(shareLimit);
  }

  /** Notes a job that goes out now; jobs of another batch are stale from now on. */
  issue(job: Job, terms: ShareTerms, about: Omit<Issued<Batch>, "prepared">, nowMs: number): Issued<Batch> {
    for (const [id, entry] of this.#jobs) {
      if (entry.batch !== about.batch) this.#retire(id);
      else if (entry.difficulty !== about.difficulty) entry.goodUntilMs = Math.min(entry.goodUntilMs, nowMs + GRACE_MS);
    }
    const entry = { ...about, prepared: new PreparedJob(job, terms), goodUntilMs: Number.POSITIVE_INFINITY };
    this.#jobs.set(job.id, entry);
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > JOBS_KEPT && oldest !== undefined) this.#retire(oldest);
    return entry;
  }

  /** Before shares are judged. */
  expire(nowMs: number): void {
    for (const [id, { goodUntilMs }] of this.#jobs) if (goodUntilMs < nowMs) this.#retire(id);
  }

  get(id: string): PreparedJob | "stale" | undefined {
    return this.#jobs.get(id)?.prepared ?? (this.#stale.has(id) ? "stale" : undefined);
  }

  issued(id: string): Issued<Batch> | undefined {
    return this.#jobs.get(id);
  }

  #retire(id: string): void {
    this.#jobs.delete(id);
    this.seen.forget(id);
    this.#stale.add(id);
    const [oldest] = this.#stale;
    if (this.#stale.size > STALE_IDS_KEPT && oldest !== undefined) this.#stale.delete(oldest);
  }
}
