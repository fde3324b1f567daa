/**
 * IMAGE as a state machine (SPEC.md §5.8): what to ask next, from what was answered. No I/O, no clock.
 *
 * It goes in rounds. The first sends everything without waiting in between; when all of a round is answered, the
 * next sends what the device says it lacks. A device that lacks something in every round is given up.
 */

import { SHA256_BYTES } from "../../work/sha256.ts";
import type { ImageAnswer, ImageQuestion } from "../device.ts";
import { DeviceError } from "../errors.ts";
import { dataThatFits } from "../link/cobs.ts";
import { expectWords } from "./commands/data.ts";
import { parsePairs } from "./pairs.ts";
import type { Reply } from "./request.ts";
import type { RowsPayload } from "./rows.ts";

export interface UploadPlan {
  /** 8 hexadecimal digits, drawn at random for this image. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** All rows of the image, in order; gone through once. */
  readonly rows: Iterable<RowsPayload>;
  readonly question: ImageQuestion;
  /** The longest line that the device writes. */
  readonly maxReplyBytes: number;
}

export type ImageAsk =
  | { readonly kind: "new" }
  | { readonly kind: "rows"; readonly rows: RowsPayload }
  | { readonly kind: "roots" }
  | { readonly kind: "digests"; readonly scale: number; readonly first: number; readonly count: number };

/** How the device answered: a reply, or the two refusals that can be mended. */
export type AskOutcome =
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "state" }
  /** The first row that the device lacks, as it says. */
  | { readonly kind: "missing"; readonly row: number };

export type Step =
  | { readonly kind: "ask"; readonly asks: readonly ImageAsk[] }
  | { readonly kind: "done"; readonly answer: ImageAnswer };

const MOST_ROUNDS = 6;
/** `~0001 OK 1a2b3c4d :` before a payload; SP, CRC and LF after it. */
const REPLY_OVERHEAD_BYTES = 29;
const DIGEST = new RegExp(`^[0-9a-f]{${2 * SHA256_BYTES}}$`);

export class ImageUpload {
  readonly #plan: UploadPlan;
  readonly #rows: RowsPayload[] = [];
  readonly #roots = new Map<number, Uint8Array>();
  readonly #digests = new Map<number, Buffer>();
  #rounds = 0;

  constructor(plan: UploadPlan) {
    this.#plan = plan;
  }

  /** The first round, everything but the digests: each ask is made when the one before it is under way. */
  *begin(): Generator<ImageAsk, void> {
    yield { kind: "new" };
    for (const rows of this.#plan.rows) {
      this.#rows.push(rows);
      yield { kind: "rows", rows };
    }
    yield { kind: "roots" };
  }

  /**
   * All of a round is answered.
   *
   * @param answers in the order of its asks
   * @throws DeviceError DEVICE_REPLY for an answer that makes no sense, DEVICE_DEADLINE after too many rounds
   */
  next(asks: readonly ImageAsk[], answers: readonly AskOutcome[]): Step {
    for (const [index, ask] of asks.entries()) {
      const answer = answers[index];
      const words = ask.kind === "roots" ? this.#plan.question.scales.length : 0;
      if (answer?.kind === "reply") expectWords("IMAGE", answer.reply, words, ask.kind === "digests");
    }
    if (answers.some((answer) => answer.kind === "state"))
      return this.#again([{ kind: "new" }, ...this.#rowsFrom(0), { kind: "roots" }]);
    const missing = answers.find((answer) => answer.kind === "missing");
    if (missing !== undefined) return this.#again(this.#mend(asks, missing.row));
    for (const [index, ask] of asks.entries()) {
      const answer = answers[index];
      if (answer?.kind === "reply") this.#take(ask, answer.reply);
    }
    const wanted = this.#plan.question.digestsOf?.filter((scale) => !this.#digests.has(scale)) ?? [];
    if (wanted.length > 0) return { kind: "ask", asks: this.#openDigests(wanted) };
    return { kind: "done", answer: { roots: this.#roots, digests: this.#digests } };
  }

  #again(asks: readonly ImageAsk[]): Step {
    this.#digests.clear();
    this.#rounds += 1;
    if (this.#rounds < MOST_ROUNDS) return { kind: "ask", asks };
    throw new DeviceError("DEVICE_DEADLINE", `the device still lacks rows of the image after ${MOST_ROUNDS} rounds`);
  }

  /**
   * Rows sent in this round may have arrived after the device was asked for the roots, by a repeat: then only the
   * roots are asked for again. If none were sent, the rows are lost.
   */
  #mend(asks: readonly ImageAsk[], row: number): readonly ImageAsk[] {
    const sent = asks.some((ask) => ask.kind === "rows");
    return sent ? [{ kind: "roots" }] : [...this.#rowsFrom(row), { kind: "roots" }];
  }

  #rowsFrom(row: number): readonly ImageAsk[] {
    const from = this.#rows.filter(({ first, count }) => first + count > row);
    return from.map((rows) => ({ kind: "rows", rows }));
  }

  #openDigests(scales: readonly number[]): readonly ImageAsk[] {
    return scales.flatMap((scale) => {
      this.#digests.set(scale, Buffer.alloc(this.#blocks(scale) * SHA256_BYTES));
      return this.#ranges(scale);
    });
  }

  #blocks(scale: number): number {
    return (this.#plan.width / scale) * (this.#plan.height / scale);
  }

  /** Ranges of blocks whose digests fit one reply each. */
  #ranges(scale: number): { kind: "digests"; scale: number; first: number; count: number }[] {
    const most = Math.floor(dataThatFits(this.#plan.maxReplyBytes - REPLY_OVERHEAD_BYTES) / SHA256_BYTES);
    const blocks = this.#blocks(scale);
    return Array.from({ length: Math.ceil(blocks / most) }, (_, index) => {
      const first = index * most;
      return { kind: "digests", scale, first, count: Math.min(most, blocks - first) };
    });
  }

  #take(ask: ImageAsk, reply: Reply): void {
    switch (ask.kind) {
      case "new":
      case "rows":
        return;
      case "roots":
        for (const scale of this.#plan.question.scales) this.#roots.set(scale, rootOf(reply, scale));
        return;
      case "digests": {
        const bytes = reply.payload;
        if (bytes?.length !== ask.count * SHA256_BYTES) {
          throw new DeviceError("DEVICE_REPLY", `${bytes?.length ?? 0} bytes for ${ask.count} digests`);
        }
        this.#digests.get(ask.scale)?.set(bytes, ask.first * SHA256_BYTES);
      }
    }
  }
}

function rootOf(reply: Reply, scale: number): Uint8Array {
  const hex = parsePairs(reply.args).get(String(scale));
  if (hex === undefined || !DIGEST.test(hex)) throw new DeviceError("DEVICE_REPLY", `no root of scale ${scale}`);
  return Buffer.from(hex, "hex");
}

/** The words of IMAGE for one ask. */
export function imageWords(ask: ImageAsk, { id, width, height, question }: UploadPlan): readonly string[] {
  switch (ask.kind) {
    case "new":
      return ["NEW", id, String(width), String(height)];
    case "rows":
      return ["ROWS", id, String(ask.rows.first), ask.rows.encoding];
    case "roots":
      return ["ROOTS", id, question.scales.join(",")];
    case "digests":
      return ["DIGESTS", id, String(ask.scale), String(ask.first), String(ask.count)];
  }
}

/** How long the reply's line will be. */
export function imageReplyBytes(ask: ImageAsk): number {
  const overhead = REPLY_OVERHEAD_BYTES;
  switch (ask.kind) {
    case "new":
    case "rows":
      return overhead;
    case "roots":
      return 4 * 68 + overhead;
    case "digests":
      return ask.count * (SHA256_BYTES + 1) + overhead;
  }
}
