/** A conversation without a network: lines in, lines out, and a clock that the test turns. */
import { type Admit, admitListed } from "../admission.ts";
import { Batch } from "../batch.ts";
import { Conversation, type ConversationOptions, type Output } from "../conversation.ts";
import { JobIds, stratumJob } from "../jobs.ts";
import { DEFAULT_LIMITS, type Limits } from "../limits.ts";

export const COMMITMENT: Uint8Array = Buffer.alloc(32, 0xd5);

/** Its names are admitted; `model` is simulated. */
export const ADMIT: Admit = admitListed({ workers: ["lv06"], simulated: ["model"] });

export interface Told {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: readonly unknown[] | null;
}

export class Talk {
  readonly conversation: Conversation;
  readonly outputs: Output[] = [];
  nowMs = 1000;
  /** 2027-01-15. */
  utcMs = 1_800_000_000_000;

  constructor(change: Partial<ConversationOptions> = {}, limits: Partial<Limits> = {}) {
    const ids = new JobIds(Buffer.from("00c0ffee", "hex"));
    const options: ConversationOptions = {
      extranonce1: Buffer.from("0000002a", "hex"),
      makeJob: stratumJob,
      nextJobId: () => ids.next(),
      admit: ADMIT,
      limits: { ...DEFAULT_LIMITS, ...limits },
      vardiff: (simulated) => ({ least: simulated ? 2 ** -32 : 256, most: 2 ** 20, shareEveryMs: 2000 }),
      batch: Batch.of({ commitment: COMMITMENT, difficulty: 256, simulatedDifficulty: null }),
      ...change,
    };
    this.conversation = new Conversation(options, this.at);
  }

  get at() {
    return { monoMs: this.nowMs, utcMs: this.utcMs };
  }

  #take(outputs: readonly Output[]): Output[] {
    this.outputs.push(...outputs);
    return [...outputs];
  }

  line(text: string): Output[] {
    return this.#take(this.conversation.receive(text, this.at));
  }

  ask(id: unknown, method: string, ...params: unknown[]): Output[] {
    return this.line(JSON.stringify({ id, method, params }));
  }

  /** Moves on, and ticks every second on the way and at the end; nothing is held back so long. */
  pass(ms: number): Output[] {
    const outputs: Output[] = this.#take(this.conversation.release());
    for (let left = ms; left > 0; left -= 1000) {
      this.nowMs += Math.min(left, 1000);
      this.utcMs += Math.min(left, 1000);
      outputs.push(...this.#take(this.conversation.tick(this.at)));
    }
    return outputs;
  }

  assign(batch: Batch): Output[] {
    return this.#take(this.conversation.assign(batch, this.at));
  }

  /** Subscribed, configured and authorised. */
  open(worker = "lv06", mask = "ffffffff"): this {
    this.ask(1, "mining.configure", ["version-rolling"], { "version-rolling.mask": mask });
    this.ask(2, "mining.subscribe", "bitaxe/BM1366/v2.15.0");
    this.ask(3, "mining.authorize", worker, "x");
    return this;
  }

  /** All that was said to the miner so far. */
  get told(): Told[] {
    return messages(this.outputs);
  }

  get writes(): string[] {
    return writes(this.outputs);
  }

  /** The id of the last job. */
  get jobId(): string {
    return String(this.notices("mining.notify").at(-1)?.params?.[0]);
  }

  notices(method: string): Told[] {
    return this.told.filter((message) => message.method === method);
  }

  /** A share of a simulated session with the easiest difficulty, which nearly every nonce meets. */
  share(nonce: number, change: readonly unknown[] = []): Output[] {
    const ntime = String(this.notices("mining.notify").at(-1)?.params?.[7]);
    const usual = ["model", this.jobId, "00000000", ntime, nonce.toString(16).padStart(8, "0"), "00000000"];
    return this.ask(100 + nonce, "mining.submit", ...usual.map((value, i) => change[i] ?? value));
  }
}

export function writes(outputs: readonly Output[]): string[] {
  return outputs.flatMap((output) => (output.kind === "send" ? [output.text] : []));
}

export function messages(outputs: readonly Output[]): Told[] {
  const lines = writes(outputs).join("").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}
