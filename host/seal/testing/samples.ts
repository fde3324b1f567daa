/** Results, keys and work for tests: made up, deterministic, and cheap: no device took part in any of it. */
import { sha256dInto } from "../../work/header.ts";
import type { WorkProof } from "../../work/proof.ts";
import { taggedSha256 } from "../../work/sha256.ts";
import { meetsTarget, targetOfDifficulty } from "../../work/target.ts";
import { workTemplate } from "../../work/template.ts";
import type { ResultToBind } from "../commitment.ts";
import { SigningKey } from "../signing-key.ts";

/** 2^18 hashes: a fraction of a second. */
export const SAMPLE_DIFFICULTY = 2 ** -14;
export const SAMPLE_UTC_MS = 1_790_000_000_000;
const NTIME = 1_790_000_000;
const NONCE_AT = 76;

const digestOf = (what: string) => taggedSha256("lv06/test/1", Buffer.from(what)).toString("hex");

/** A key that everybody knows: trust it nowhere. */
export function sampleKey(number: number): SigningKey {
  return SigningKey.ofSeed(Buffer.alloc(32, number));
}

export function sampleResult(sequence: number, change: Partial<ResultToBind> = {}): ResultToBind {
  return {
    resultId: `sample-${sequence}`,
    sequence,
    appliance: "ward-3",
    time: { utcMs: SAMPLE_UTC_MS + sequence },
    input: { fileDigest: digestOf(`file ${sequence}`), rasterDigest: digestOf(`raster ${sequence}`) },
    attention: { version: "attention-v1", digest: digestOf(`attention ${sequence}`) },
    model: { digest: digestOf("model"), precision: "int8", pattern: "A" },
    label: "pneumonia",
    decision: sequence % 2 === 0 ? "positive" : "negative",
    probability: sequence % 2 === 0 ? 0.9731 : 0.0417,
    threshold: 0.5,
    assessed: true,
    reasons: [],
    device: { simulated: false },
    ...change,
  };
}

/** Tries nonces over the header until its hash meets the difficulty. */
export function mineProof(proof: WorkProof, difficulty: number = SAMPLE_DIFFICULTY): WorkProof {
  const target = targetOfDifficulty(difficulty);
  const [header, hash] = [Buffer.from(proof.header), Buffer.alloc(32)];
  for (let nonce = 0; ; nonce++) {
    header.writeUInt32LE(nonce, NONCE_AT);
    sha256dInto(header, hash, 0);
    if (meetsTarget(hash, target)) return { ...proof, header };
  }
}

/** A work proof of these 32 bytes, as a device that takes templates would make it. */
export function mine(commitment: Uint8Array, difficulty: number = SAMPLE_DIFFICULTY): WorkProof {
  return mineProof(workTemplate({ commitment, ntime: NTIME }), difficulty);
}
