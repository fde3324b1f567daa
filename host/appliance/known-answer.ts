/**
 * A picture whose answer is known goes the way of every image: decoder, attention, model; and a device that hashes is
 * asked for one digest. Nothing of it is cached, stored or published. What passes here is verified work, not a guess.
 */
import { readFileSync } from "node:fs";
import { type Attention, attentionOf, computeAttention } from "../attention/attention.ts";
import { BLOCK_SIZES } from "../attention/blocks.ts";
import { codedErrors, errorCode } from "../base/error.ts";
import type { Device } from "../device/device.ts";
import { sha256, verifyDigests } from "../device/digest.ts";
import type { Judgement } from "../pipeline/checker.ts";
import type { Model } from "../pipeline/ports.ts";
import { type Raster, rasterDigest } from "../raster/raster.ts";

export const SELFCHECK_ERRORS = {
  SELFCHECK_ATTENTION:
    "The digests of the known picture came out wrong: do not trust this machine's memory or processor.",
  SELFCHECK_DEVICE: "The device computed a wrong digest: check cable and firmware, and do not trust it.",
  SELFCHECK_MODEL:
    "The model does not answer the known picture as it should: restart the appliance; if it happens again, copy the model folder again.",
  SELFCHECK_RASTER:
    "The known picture was decoded wrongly: install the appliance again, and test this machine's memory.",
} as const;

export class SelfcheckError extends codedErrors(SELFCHECK_ERRORS) {}

/** Of known-answer.png, on every processor. */
const RASTER_DIGEST = "5315db4bef68b4070a495c3122623f6281fd95a21645ee60551a107414629f74";
/** Over all block sizes. */
const ATTENTION_DIGEST = "353f7822a00e26993d398693cc0fe4be3d045361868efdac3aaf8194c377937b";
const ALL_SCALES = { scales: BLOCK_SIZES.map((block) => ({ block, weight: 1 })), grids: [] };
/** In logits, from its own answer before: the last digits may differ, a model that is not what it was is off by far more. */
const OWN_TOLERANCE = 0.05;
/** In logits, from the answer in the model's folder, which another processor gave. */
const FILE_TOLERANCE = 0.5;
/** A line may be busy with another image, and a slow one takes its time. */
const DEVICE_DEADLINE_MS = 10_000;
const BLOCK_BYTES = 64;

export type CheckName = "decoder" | "attention" | "model" | "device";

export interface SelfCheck {
  readonly name: CheckName;
  readonly ok: boolean;
  /** Why not. */
  readonly code: string | null;
  readonly durationMs: number;
}

export interface SelfCheckReport {
  /** Whether every check passed. */
  readonly ok: boolean;
  /** In the order of an image's way, up to the first that failed; and the device's, where one is there. */
  readonly checks: readonly SelfCheck[];
  /**
   * What the model's answer was compared with: the one in its folder, or its own first; none where it was not asked, or has
   * just been heard for the first time.
   */
  readonly reference: "file" | "own" | "none";
}

export interface KnownAnswerParts {
  rasterise(bytes: Uint8Array): Promise<{ readonly raster: Raster }>;
  /** @throws a coded error when there is none that can be served */
  model(): Promise<Pick<Model, "digest" | "precision" | "fingerprint" | "attention" | "infer">>;
  /** The logit that this model is known to give; undefined where nobody says. */
  known(model: Pick<Model, "digest" | "precision">): number | undefined;
  /** One that can hash, or why there is none. */
  device(): Device | string;
  judged(device: Device, judgement: Judgement): void;
  monotonicMs(): number;
  random(bytes: number): Uint8Array;
}

/** Whether images are served right, with or without a device. */
export function serves({ checks }: SelfCheckReport): boolean {
  return checks.every(({ name, ok }) => ok || name === "device");
}

export class KnownAnswer {
  readonly #parts: KnownAnswerParts;
  readonly #picture = readFileSync(new URL("./known-answer.png", import.meta.url));
  /** Of each model that has answered; the first answer is what later ones are held to. */
  #heard: { readonly of: string; readonly logit: number } | undefined;
  #running: Promise<SelfCheckReport> | undefined;
  /** The last wrong answer, until images are served right again. */
  #wrong: SelfcheckError | undefined;
  readonly #first = Promise.withResolvers<void>();

  constructor(parts: KnownAnswerParts) {
    this.#parts = parts;
  }

  /** Why no image may be served: its code, from a wrong answer until a check passes; else null. That nothing answers is no wrong answer. */
  get wrong(): string | null {
    return this.#wrong?.code ?? null;
  }

  /** For whoever is to serve an image: waits for the first check, but not for its device. @throws SelfcheckError after a wrong answer */
  async expectRight(): Promise<void> {
    await this.#first.promise;
    if (this.#wrong !== undefined) throw this.#wrong;
  }

  /** One at a time: who asks during a check gets its report. Never rejects. */
  check(): Promise<SelfCheckReport> {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #check(): Promise<SelfCheckReport> {
    const checks: SelfCheck[] = [];
    const timed = async <Value>(name: CheckName, work: () => Promise<Value>): Promise<Value> => {
      const startedMs = this.#parts.monotonicMs();
      const ended = (code: string | null) => {
        const durationMs = Math.round(this.#parts.monotonicMs() - startedMs);
        checks.push({ name, ok: code === null, code, durationMs });
      };
      try {
        const value = await work();
        ended(null);
        return value;
      } catch (error) {
        ended(errorCode(error));
        throw error;
      }
    };
    let reference: SelfCheckReport["reference"] = "none";
    try {
      const samples = await timed("decoder", () => this.#decode());
      const { digests } = await timed("attention", () => attend(samples));
      reference = await timed("model", () => this.#ask(samples, digests));
      this.#wrong = undefined;
    } catch (error) {
      // Told by its check; what follows it would be judged by a wrong start.
      if (error instanceof SelfcheckError) this.#wrong = error;
    }
    this.#first.resolve();
    const device = this.#parts.device();
    if (typeof device !== "string") await timed("device", () => this.#hash(device)).catch(() => {});
    return { ok: checks.every(({ ok }) => ok), checks, reference };
  }

  async #decode(): Promise<Uint8Array> {
    const { raster } = await this.#parts.rasterise(this.#picture);
    expectSame("SELFCHECK_RASTER", rasterDigest(raster), RASTER_DIGEST);
    return raster.samples;
  }

  /** @returns whether the answer could be compared with one before */
  async #ask(samples: Uint8Array, digests: Attention["digests"]): Promise<SelfCheckReport["reference"]> {
    const model = await this.#parts.model();
    const pyramid = model.attention === null ? [] : attentionOf(digests, model.attention).pyramid;
    const { logit } = await model.infer(samples, Promise.resolve(pyramid));
    const known = this.#parts.known(model);
    if (known !== undefined) expectNear(logit, known, FILE_TOLERANCE);
    const of = [model.digest, model.precision, model.fingerprint].join(" ");
    const before = this.#heard?.of === of ? this.#heard.logit : undefined;
    if (before === undefined) this.#heard = { of, logit };
    else expectNear(logit, before, OWN_TOLERANCE);
    if (known !== undefined) return "file";
    return before === undefined ? "none" : "own";
  }

  /** A fresh block each time, so that no answer can lie ready. */
  async #hash(device: Device): Promise<void> {
    const block = this.#parts.random(BLOCK_BYTES);
    const { mismatches } = await verifyDigests(device, [block], [sha256(block)], {
      deadlineMs: DEVICE_DEADLINE_MS,
    }).catch((error: unknown) => {
      this.#parts.judged(device, { kind: "failed", error });
      throw error;
    });
    this.#parts.judged(device, { kind: mismatches.length === 0 ? "right" : "lied" });
    if (mismatches.length > 0) throw new SelfcheckError("SELFCHECK_DEVICE", `${device.info.id} hashed a block wrongly`);
  }
}

async function attend(samples: Uint8Array): Promise<Attention> {
  const attention = await computeAttention(samples, ALL_SCALES);
  expectSame("SELFCHECK_ATTENTION", attention.digest, ATTENTION_DIGEST);
  return attention;
}

function expectNear(logit: number, expected: number, tolerance: number): void {
  if (Math.abs(logit - expected) <= tolerance) return;
  throw new SelfcheckError("SELFCHECK_MODEL", `the logit is ${logit}, not ${expected}`);
}

function expectSame(code: keyof typeof SELFCHECK_ERRORS, digest: string, expected: string): void {
  if (digest !== expected) throw new SelfcheckError(code, `the digest is ${digest}, not ${expected}`);
}
