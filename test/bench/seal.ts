/** Receipts verified offline, and how soon after its share a batch is sealed. No device takes part: simulated throughout. */
import { closeBatch } from "../../host/seal/closed-batch.ts";
import { boundResult, commitmentOf } from "../../host/seal/commitment.ts";
import { encodeReceipt, makeReceipt } from "../../host/seal/receipt.ts";
import { makeSeal } from "../../host/seal/seal.ts";
import { mine, SAMPLE_UTC_MS, sampleKey, sampleResult } from "../../host/seal/testing/samples.ts";
import { ReceiptVerifier, verifyReceipt } from "../../host/seal/verify.ts";
import { BATCH, SealPath, type SealTimes } from "./seal-path.ts";
import { type BenchTools, median, percentile } from "./tools.ts";

const WARM_UP = 10;
const ROUNDS = 3;
const KEY = sampleKey(7);
const OPTIONS = { trustedKeys: new Map([[KEY.publicKey.toString("hex"), "bench"]]) };
const VALID_SIMULATED = 4;

/** The median of the rounds' percentiles: what else the machine does now and then is not meant. @param folder emptied */
export async function sealFigures(tools: BenchTools, folder: string): Promise<void> {
  receipts(tools);
  await shareToSeal(tools, folder);
}

async function shareToSeal({ note, add, share }: BenchTools, folder: string): Promise<void> {
  note(`share → seal, batches of ${BATCH} …`);
  const path = await SealPath.open(folder);
  try {
    await path.run(WARM_UP);
    const rounds: SealTimes[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await path.run(Math.max(10, Math.round(100 * share))));
    const p99Of = (pick: (times: SealTimes) => number[]) =>
      median(rounds.map((times) => percentile(pick(times), 0.99)));
    const p99 = p99Of(({ published }) => published);
    add(`share arrives → seal of ${BATCH} results published, p99`, p99, "ms", "≤ 5", p99 <= 5, true);
    add("  median", median(rounds.flatMap(({ published }) => published)), "ms", "", null, true);
    add(
      "  until it is durable, p99",
      p99Of(({ durable }) => durable),
      "ms",
      "",
      null,
      true,
    );
    add(
      "  a durable write of one small message by itself, p99",
      p99Of(({ bare }) => bare),
      "ms",
      "",
      null,
      true,
    );
  } finally {
    await path.stop();
  }
}

function receipts({ note, add, share }: BenchTools): void {
  note("receipts …");
  const texts = Array.from({ length: Math.ceil(8 * share) }, (_, number) => receiptsOfBatch(number)).flat();
  const rate = (verify: (text: Buffer) => { readonly exitCode: number }) => {
    const startedMs = performance.now();
    for (const text of texts) if (verify(text).exitCode !== VALID_SIMULATED) throw new Error(`not valid: ${text}`);
    return (texts.length / (performance.now() - startedMs)) * 1000;
  };
  const many = new ReceiptVerifier(OPTIONS);
  rate((text) => many.verify(text));
  const single = rate((text) => verifyReceipt(text, OPTIONS));
  add("receipts verified, each by itself", single, "/s", "≥ 2,000", single >= 2000, true);
  const verifier = new ReceiptVerifier(OPTIONS);
  const together = rate((text) => verifier.verify(text));
  add(`receipts verified, ${BATCH} of a batch by one verifier`, together, "/s", "≥ 2,000", together >= 2000, true);
}

function receiptsOfBatch(number: number): Buffer[] {
  const results = Array.from({ length: BATCH }, (_, i) => boundResult(sampleResult(number * BATCH + i + 1)));
  const commitments = results.map(commitmentOf);
  const batch = closeBatch(commitments, Buffer.alloc(32, number));
  const difficulty = 2 ** -20;
  const proof = mine(batch.sealedValue, difficulty);
  const device = { kind: "stratum", simulated: true, name: "bench" } as const;
  const seal = makeSeal({ batch, proof, device, difficulty, utcMs: SAMPLE_UTC_MS, appliance: "ward-3" }, KEY);
  return results.map((result, index) => {
    const signature = KEY.sign(commitments[index] ?? Buffer.alloc(0));
    const inclusion = { index, path: batch.tree.path(index) };
    return encodeReceipt(makeReceipt({ result, signature, inclusion, seal }));
  });
}
