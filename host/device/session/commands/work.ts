/** One search on the device, from START to its end (SPEC.md §5.6). */
import { errorCode } from "../../../base/error.ts";
import type { Clock } from "../../clock.ts";
import type { WorkJob, WorkOptions, WorkOutcome } from "../../device.ts";
import { DeviceError, isRefusal } from "../../errors.ts";
import { randomHex8 } from "../handshake.ts";
import type { Call } from "../request.ts";
import type { Session } from "../session.ts";
import { checkJob, hex8, parseWork, type WorkStatus, workOutcome } from "../work-status.ts";
import { badReply, expectWords, hex } from "./data.ts";

/** Notices may be lost. */
const POLL_MS = 2000;
/** What a device may be late by at its own deadline. */
const LATE_MS = 2000;
const REPLY_BYTES = 256;
const STATUS_DEADLINE_MS = 10_000;
const GIVE_UP_DEADLINE_MS = 3000;

export interface WorkTools {
  readonly clock: Clock;
  readonly random: () => number;
}

/** @throws DeviceError DEVICE_WORK_FALSE, DEVICE_REPLY, DEVICE_REFUSED, or what ended the conversation */
export async function searchWork(
  session: Session,
  job: WorkJob,
  options: WorkOptions,
  { clock, random }: WorkTools,
): Promise<WorkOutcome> {
  checkJob(job);
  const search = new Search(session, randomHex8(random), options);
  const stopHearing = session.onNotice((args) => search.hear(args));
  // A search on a device that is gone ends at once, not at the next poll.
  const stopWatching = session.onGone(() => search.wake());
  try {
    const { header, target, versionMask, deadlineMs } = job;
    if (options.signal?.aborted) return { kind: "stopped", elapsedMs: 0, hashes: 0n, errors: 0 };
    const words = [hex(header), hex(target), hex8(versionMask), String(deadlineMs)];
    await search.ask("START", words);
    const endMs = clock.nowMs() + deadlineMs + LATE_MS;
    while (search.running) {
      const leftMs = endMs - clock.nowMs();
      await search.news(clock, Math.max(1, Math.min(POLL_MS, leftMs)));
      if (!search.running) break;
      const over = options.signal?.aborted === true || clock.nowMs() >= endMs;
      await search.ask(over ? "STOP" : "STATUS");
      if (over && search.running) throw new DeviceError("DEVICE_REPLY", "the search goes on after STOP");
    }
    return workOutcome(job, search.status);
  } finally {
    stopHearing();
    stopWatching();
    search.giveUp();
  }
}

class Search {
  readonly #session: Session;
  readonly #id: string;
  readonly #options: WorkOptions;
  #status: WorkStatus;
  #wake = () => {};
  #begun = false;

  constructor(session: Session, id: string, options: WorkOptions) {
    this.#session = session;
    this.#id = id;
    this.#options = options;
    this.#status = { id, state: "running", elapsedMs: 0, hashes: 0n, errors: 0 };
  }

  get running(): boolean {
    return this.#status.state === "running";
  }

  get status(): WorkStatus {
    return this.#status;
  }

  /** Where it may go on without its host, tells the device so, and waits for no answer. */
  giveUp(): void {
    if (!this.#begun || !this.running) return;
    this.#session.request(this.#call("STOP", GIVE_UP_DEADLINE_MS)).catch(() => {});
  }

  async ask(what: "START" | "STATUS" | "STOP", words: readonly string[] = []): Promise<void> {
    // From here on, whatever becomes of the reply.
    if (what === "START") this.#begun = true;
    try {
      const reply = await this.#session.request(this.#call(what, STATUS_DEADLINE_MS, words));
      expectWords("WORK", reply, "any");
      if (!this.hear(reply.args)) throw badReply("WORK", reply.args);
    } catch (error) {
      if (what === "START" && errorCode(error) === "DEVICE_REFUSED") this.#begun = false;
      if (what === "START" || !isRefusal(error, "STATE")) throw error;
      // The device knows this search no more and has not restarted: somebody else's took its place.
      this.#update({ ...this.#status, state: "stopped" });
    }
  }

  #call(what: string, deadlineMs: number, words: readonly string[] = []): Call {
    return { verb: "WORK", args: [what, this.#id, ...words], replyBytes: REPLY_BYTES, deadlineMs };
  }

  /** News of this search, by notice or reply. @returns false if it is none */
  hear(args: readonly string[]): boolean {
    const status = parseWork(args);
    if (status === undefined || status.id !== this.#id) return false;
    this.#update(status);
    return true;
  }

  /** Ends the wait for news. */
  wake(): void {
    this.#wake();
  }

  /** Waits for the end of the search, for `wake`, for the caller to give up, or for `waitMs`. */
  news(clock: Clock, waitMs: number): Promise<void> {
    const { signal } = this.#options;
    if (!this.running || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const cancel = clock.after(waitMs, done);
      signal?.addEventListener("abort", done, { once: true });
      this.#wake = done;
    });
  }

  /** A search that has ended stays so: a late notice does not revive it. */
  #update(status: WorkStatus): void {
    if (!this.running) return;
    this.#status = status;
    const { elapsedMs, hashes, errors } = status;
    if (this.running) this.#options.onProgress?.({ elapsedMs, hashes, errors });
    else this.#wake();
  }
}
