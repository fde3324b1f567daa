/** The published vectors: receipts that are valid, and for every check some that fail it and nothing else. */
import { rootOfCoinbase } from "../../work/branches.ts";
import { decodeHeader, encodeHeader } from "../../work/header.ts";
import { encodeProof, type WorkProof } from "../../work/proof.ts";
import { workTemplate } from "../../work/template.ts";
import { canonicalText } from "../canonical.ts";
import { type ClosedBatch, closeBatch } from "../closed-batch.ts";
import { boundResult, commitmentOf } from "../commitment.ts";
import { fromHex, toHex } from "../fields.ts";
import { encodeReceipt, makeReceipt, type Receipt } from "../receipt.ts";
import { makeSeal, type Seal, signSeal } from "../seal.ts";
import { FIRST_PREVIOUS, sealedValue } from "../sealed-value.ts";
import type { SigningKey } from "../signing-key.ts";
import { formFailures } from "./form-vectors.ts";
import { mine, mineProof, SAMPLE_DIFFICULTY, SAMPLE_UTC_MS, sampleKey, sampleResult } from "./samples.ts";
import { EASY, type ReceiptVector, VECTOR_KEY, vector } from "./vector.ts";

const KEY = VECTOR_KEY;
const STRANGER = sampleKey(2);
const DEVICE = { kind: "stratum", simulated: false, name: "no device: a test vector" } as const;
const MODEL_DEVICE = { kind: "usb", simulated: true, name: "model-1" } as const;

/** The batch that most vectors speak of. */
const RESULTS = [
  sampleResult(1),
  sampleResult(2),
  sampleResult(3, { device: { simulated: true } }),
  sampleResult(4, {
    assessed: false,
    reasons: ["LOW_CONTRAST", "BORDER"],
    label: null,
    decision: null,
    probability: null,
    threshold: null,
    attention: { version: "attention-v1", digest: null },
    model: { digest: "00".repeat(32), precision: "fp32", pattern: "none" },
  }),
  sampleResult(5, { label: 'Лёгкие "é"\u0000\u001f\u007f\\/\u2028😀', probability: 1, threshold: 0 }),
  sampleResult(6, { appliance: "ward-4", label: "😀".repeat(64) }),
  sampleResult(7, { sequence: 2 ** 53 - 1 }),
].map(boundResult);

interface Sealed {
  readonly closed: ClosedBatch;
  readonly proof: WorkProof;
  readonly seal: Seal;
}

function sealOf(closed: ClosedBatch, proof: WorkProof, device: Seal["device"], key: SigningKey): Seal {
  const rest = { utcMs: SAMPLE_UTC_MS + 7100, appliance: "ward-3", minDifficulty: SAMPLE_DIFFICULTY };
  return makeSeal({ batch: closed, proof, device, difficulty: SAMPLE_DIFFICULTY, ...rest }, key);
}

function sealBatch(results: typeof RESULTS, previous: Uint8Array): Sealed {
  const closed = closeBatch(results.map(commitmentOf), previous);
  const proof = mine(closed.sealedValue);
  return { closed, proof, seal: sealOf(closed, proof, DEVICE, KEY) };
}

function receiptOf(index: number, { closed, seal }: Sealed, key: SigningKey = KEY): Receipt {
  const result = RESULTS[index];
  if (result === undefined) throw new RangeError(`there is no result ${index}`);
  const inclusion = { index, path: closed.tree.path(index) };
  return makeReceipt({ result, signature: key.sign(commitmentOf(result)), inclusion, seal });
}

/** Another seal around the same receipt, signed anew, so that only what the change means is wrong. */
function resealed(receipt: Receipt, change: Partial<Seal>, key: SigningKey = KEY): Receipt {
  const { signature: _, ...unsigned } = { ...receipt.seal, ...change };
  return { ...receipt, seal: signSeal(unsigned, key) };
}

function proofFields(proof: WorkProof): Pick<Seal, "workProof"> {
  const { branches, ...rest } = encodeProof(proof);
  return { workProof: { ...rest, branches: [...branches] } };
}

/** The coinbase with another byte in its extranonce, under the old header. */
function otherCoinbase(proof: WorkProof): WorkProof {
  const coinbase = Buffer.from(proof.coinbase);
  coinbase[84] = 0x01;
  return { ...proof, coinbase };
}

/** Work over 32 other bytes, the sealed value being one of the branches: it binds, but not as a seal does. */
function branchProof(value: Uint8Array): WorkProof {
  const template = workTemplate({ commitment: Buffer.alloc(32, 9), ntime: 1_790_000_000 });
  const branches = [value];
  const merkleRoot = rootOfCoinbase(template.coinbase, branches);
  return mineProof({ ...template, branches, header: encodeHeader({ ...decodeHeader(template.header), merkleRoot }) });
}

function validVectors(base: Sealed): ReceiptVector[] {
  const simulatedSeal = { ...base, seal: sealOf(base.closed, base.proof, MODEL_DEVICE, KEY) };
  const single = sealBatch(RESULTS.slice(0, 1), base.closed.sealedValue);
  const first = receiptOf(0, base);
  const image = { fileDigest: first.result.fileDigest, rasterDigest: first.result.rasterDigest };
  return [
    vector("valid", "The first of seven results, its image at hand.", first, {}, { ...EASY, ...image }),
    vector("valid-no-image", "Without the image.", first, {}),
    vector("valid-line-feed", "One line feed may end the file.", `${encodeReceipt(first)}\n`, {}),
    vector("valid-not-assessed", "Reasons, and null for all that is absent.", receiptOf(3, base), {}),
    vector("valid-text", "A label that needs every rule of JSON text.", receiptOf(4, base), {}),
    vector("valid-last", "The last leaf, whose path is shorter; the largest whole number.", receiptOf(6, base), {}),
    vector("valid-single", "A batch of one, after another seal: an empty path.", receiptOf(0, single), {}),
    vector("signer-unknown", "Nobody is trusted.", first, { signer: "unknown" }, { ...EASY, trustedKeys: [] }),
    vector("simulated-result", "The device present was simulated.", receiptOf(2, base), { simulation: "simulated" }),
    vector(
      "simulated-seal",
      "The device that worked was simulated; no minimum is asked for.",
      receiptOf(0, simulatedSeal),
      { simulation: "simulated", minimum: "skipped" },
      {},
    ),
    vector(
      "simulated-unknown",
      "Simulated, and by a stranger: the lower exit code counts.",
      receiptOf(0, simulatedSeal),
      { simulation: "simulated", minimum: "skipped", signer: "unknown" },
      { trustedKeys: [] },
    ),
    vector(
      "simulated-below-minimum",
      "Simulated, and a minimum is asked for.",
      receiptOf(0, simulatedSeal),
      { simulation: "simulated", minimum: "failed" },
      { minDifficulty: 256 },
    ),
  ];
}

function resultFailures(base: Sealed): ReceiptVector[] {
  const first = receiptOf(0, base);
  const flipped = "00".repeat(32);
  const [sibling, ...path] = first.inclusion.path;
  return [
    vector("bad-file", "Another file.", first, { file: "failed" }, { ...EASY, fileDigest: flipped }),
    vector("bad-raster", "Another image.", first, { raster: "failed" }, { ...EASY, rasterDigest: flipped }),
    vector(
      "bad-commitment",
      "The decision was turned.",
      { ...first, result: { ...first.result, decision: "positive" } },
      {
        commitment: "failed",
      },
    ),
    vector(
      "bad-commitment-stated",
      "Another commitment is stated.",
      { ...first, commitment: flipped },
      {
        commitment: "failed",
        signature: "failed",
        inclusion: "failed",
      },
    ),
    vector("bad-signature", "The result is signed by another key than the seal.", receiptOf(0, base, STRANGER), {
      signature: "failed",
    }),
    vector(
      "bad-inclusion-index",
      "Another place.",
      { ...first, inclusion: { ...first.inclusion, index: 1 } },
      {
        inclusion: "failed",
      },
    ),
    vector(
      "bad-inclusion-range",
      "A place beyond the batch.",
      { ...first, inclusion: { ...first.inclusion, index: 7 } },
      {
        inclusion: "failed",
      },
    ),
    vector(
      "bad-inclusion-short",
      "A path without its first step.",
      { ...first, inclusion: { index: 0, path } },
      {
        inclusion: "failed",
      },
    ),
    vector(
      "bad-inclusion-long",
      "A path with a step too many.",
      { ...first, inclusion: { index: 0, path: [sibling ?? flipped, ...path, flipped] } },
      { inclusion: "failed" },
    ),
    vector("bad-appliance", "The result is another appliance's.", receiptOf(5, base), { appliance: "failed" }),
  ];
}

function sealFailures(base: Sealed): ReceiptVector[] {
  const first = receiptOf(0, base);
  const otherValue = sealedValue({ ...base.closed, previous: Buffer.alloc(32, 1) });
  const otherWork = { sealedValue: toHex(otherValue), ...proofFields(mine(otherValue)) };
  const value = fromHex(first.seal.sealedValue);
  const simulated = { device: MODEL_DEVICE, workVerified: true };
  return [
    vector("bad-sealed-value", "The work is over a value of another seal before.", resealed(first, otherWork), {
      "sealed-value": "failed",
    }),
    vector(
      "bad-seal-signature",
      "The time was changed.",
      { ...first, seal: { ...first.seal, utcMs: 1 } },
      {
        "seal-signature": "failed",
      },
    ),
    vector("bad-seal-signer", "The seal is signed by another key than it states.", resealed(first, {}, STRANGER), {
      "seal-signature": "failed",
    }),
    vector(
      "bad-work-header",
      "The coinbase is not the one hashed.",
      resealed(first, proofFields(otherCoinbase(base.proof))),
      {
        "work-header": "failed",
      },
    ),
    vector("bad-work-commitment", "The value is a branch.", resealed(first, proofFields(branchProof(value))), {
      "work-commitment": "failed",
    }),
    vector("bad-work-difficulty", "More is stated than the hash meets.", resealed(first, { difficulty: "256" }), {
      "work-difficulty": "failed",
    }),
    vector("bad-minimum", "256 is asked for where nothing else is said.", first, { minimum: "failed" }, {}),
    vector("bad-work-flag", "A simulated device's work is called verified.", resealed(first, simulated), {
      "work-flag": "failed",
      simulation: "simulated",
    }),
  ];
}

/** All of them, the same at every call; costs about a million hashes. */
export function receiptVectors(): ReceiptVector[] {
  const base = sealBatch(RESULTS, FIRST_PREVIOUS);
  return [...validVectors(base), ...resultFailures(base), ...sealFailures(base), ...formFailures(receiptOf(0, base))];
}

/** A result, the text that is hashed after the tag and a zero byte, and the commitment. */
export function commitmentVectors() {
  return RESULTS.map((result) => ({
    result,
    canonical: canonicalText(result),
    commitment: toHex(commitmentOf(result)),
  }));
}

const TREE_SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17];

/** Leaf i is 32 bytes of value i. */
export function treeVectors() {
  return TREE_SIZES.map((size) => {
    const leaves = Array.from({ length: size }, (_, i) => Buffer.alloc(32, i));
    const { tree, root, sealedValue } = closeBatch(leaves, FIRST_PREVIOUS);
    return {
      size,
      root: toHex(root),
      sealedValueAfterNothing: toHex(sealedValue),
      paths: leaves.map((_, i) => tree.path(i).map(toHex)),
    };
  });
}
