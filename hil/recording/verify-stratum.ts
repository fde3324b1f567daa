/** Shares that went over Stratum, against the jobs that they were made of. */
import { WorkError } from "../../host/work/error.ts";
import { PreparedJob } from "../../host/work/prepared-job.ts";
import { readShare } from "../../host/work/share.ts";
import { meetsTarget, targetOfDifficulty } from "../../host/work/target.ts";
import type { Event } from "./format.ts";
import { jobOf } from "./stratum-job.ts";
import { type Message, messagesOf, questionKey } from "./stratum-text.ts";
import type { Findings } from "./verify.ts";

/** What a miner may move the time by; the pool may allow less. */
const MOST_NTIME_S = 7200;
const LOW_DIFFICULTY = 23;

export function verifyStratum(events: readonly Event[], findings: Findings): void {
  const connections = new Map<number, Connection>();
  for (const message of messagesOf(events)) {
    const connection = connections.get(message.connection) ?? new Connection(findings);
    connections.set(message.connection, connection);
    connection.take(message);
  }
}

class Connection {
  readonly #findings: Findings;
  readonly #asked = new Map<string, Message>();
  readonly #jobs = new Map<string, PreparedJob>();
  #extranonce1 = Buffer.alloc(0);
  #extranonce2Bytes = 0;
  #difficulty: number | undefined;
  #versionMask = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  take(message: Message): void {
    if (message.from === "device") {
      if (message.method !== "") this.#asked.set(questionKey(message), message);
    } else if (message.method === "") this.#answered(message);
    else this.#noticed(message);
  }

  #noticed({ method, params }: Message): void {
    if (method === "mining.set_difficulty") this.#difficulty = Number(params[0]);
    const job = method === "mining.notify" ? jobOf(params) : undefined;
    if (job === undefined || this.#difficulty === undefined) return;
    try {
      const terms = {
        extranonce1: this.#extranonce1,
        extranonce2Bytes: this.#extranonce2Bytes,
        versionMask: this.#versionMask,
        target: targetOfDifficulty(this.#difficulty),
        ntimeSlackS: MOST_NTIME_S,
      };
      this.#jobs.set(job.id, new PreparedJob(job, terms));
    } catch (error) {
      // A job on terms that cannot be: no share of it is a proof.
      if (!(error instanceof WorkError)) throw error;
    }
  }

  #answered(answer: Message): void {
    const asked = this.#asked.get(questionKey(answer));
    this.#asked.delete(questionKey(answer));
    if (asked?.method === "mining.subscribe") this.#subscribed(answer.result);
    else if (asked?.method === "mining.configure") this.#configured(answer.result);
    else if (asked?.method === "mining.submit") this.#submitted(asked, answer);
  }

  #subscribed(result: unknown): void {
    const [, extranonce1, bytes] = Array.isArray(result) ? result : [];
    this.#extranonce1 = Buffer.from(String(extranonce1), "hex");
    this.#extranonce2Bytes = Number(bytes);
  }

  #configured(result: unknown): void {
    const fields: Record<string, unknown> = typeof result === "object" && result !== null ? { ...result } : {};
    const mask = fields["version-rolling.mask"];
    if (typeof mask === "string") this.#versionMask = Number.parseInt(mask, 16);
  }

  /** What was accepted is a proof; what was refused as too easy must be. Other refusals say nothing of the device. */
  #submitted(asked: Message, { result, error, atUs }: Message): void {
    const code: unknown = Array.isArray(error) ? error[0] : undefined;
    if (result !== true && code !== LOW_DIFFICULTY) return;
    const meets = this.#meets(asked.params);
    const [, jobId, , , nonce] = asked.params;
    const what = `share ${String(nonce)} of job ${String(jobId)}`;
    if (result === true) this.#findings.proof(meets, atUs, `${what} was accepted and is none`);
    else if (meets) this.#findings.proof(false, atUs, `${what} was refused and meets its difficulty`);
  }

  #meets([, jobId, extranonce2, ntime, nonce, versionBits]: readonly unknown[]): boolean {
    const job = this.#jobs.get(String(jobId));
    const share = readShare({
      ...{ jobId: String(jobId), extranonce2: String(extranonce2), ntime: String(ntime), nonce: String(nonce) },
      versionBits: versionBits === undefined ? undefined : String(versionBits),
    });
    if (job === undefined || share === null || job.refusalOf(share) !== null) return false;
    return meetsTarget(job.build(share), job.terms.target);
  }
}
