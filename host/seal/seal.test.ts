import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rootOfCoinbase } from "../work/branches.ts";
import { decodeHeader, encodeHeader } from "../work/header.ts";
import { workTemplate } from "../work/template.ts";
import { closeBatch } from "./closed-batch.ts";
import { boundResult, commitmentOf } from "./commitment.ts";
import { checkLedger, EMPTY_LEDGER, extendLedger } from "./ledger.ts";
import { decodeReceipt, encodeReceipt, makeReceipt } from "./receipt.ts";
import { decodeSeal, encodeSeal, makeSeal, type Seal, type SealRequest } from "./seal.ts";
import { FIRST_PREVIOUS, sealedValue } from "./sealed-value.ts";
import { mine, mineProof, SAMPLE_DIFFICULTY, SAMPLE_UTC_MS, sampleKey, sampleResult } from "./testing/samples.ts";
import { ReceiptVerifier, verifyReceipt } from "./verify.ts";

const key = sampleKey(1);
const results = [1, 2, 3].map((sequence) => boundResult(sampleResult(sequence)));
const batch = closeBatch(results.map(commitmentOf), FIRST_PREVIOUS);
const proof = mine(batch.sealedValue);
const device = { kind: "usb", simulated: false, name: "test" } as const;

const request = (change: Partial<SealRequest> = {}): SealRequest => ({
  batch,
  proof,
  device,
  difficulty: SAMPLE_DIFFICULTY,
  utcMs: SAMPLE_UTC_MS,
  appliance: "ward-3",
  ...change,
});
const seal = (change: Partial<SealRequest> = {}) => makeSeal(request(change), key);

describe("a sealed value", () => {
  test("is SHA-256 of tag, root, size and the value before", () => {
    expect(sealedValue({ root: Buffer.alloc(32, 1), size: 2, previous: FIRST_PREVIOUS }).toString("hex")).toBe(
      "a6f9f2eb66d17e39cc4b3fc97db96fc04fff42a56eb1dd7cde0e5b12a5a4097e",
    );
  });

  test("is refused to parts of another length or size", () => {
    const root = Buffer.alloc(32);
    expect(() => sealedValue({ root: root.subarray(1), size: 1, previous: root })).toThrow(/SEAL_LENGTH/);
    expect(() => sealedValue({ root, size: 1, previous: root.subarray(1) })).toThrow(/SEAL_LENGTH/);
    for (const size of [0, -1, 1.5]) expect(() => sealedValue({ root, size, previous: root })).toThrow(/SEAL_BATCH/);
  });
});

describe("a seal", () => {
  test("comes back from its text as it was, and is refused with any other spelling", () => {
    const text = encodeSeal(seal());
    expect(decodeSeal(text)).toEqual(seal());
    for (const bad of ["", "{}", ` ${text}`, text.replace("usb", "none"), JSON.stringify(seal(), null, 1)]) {
      expect(() => decodeSeal(bad)).toThrow(/SEAL_MESSAGE/);
    }
  });

  test("says that work is verified from the configured difficulty on, and never for a simulated device", () => {
    const verified = (change: Partial<SealRequest>) => seal(change).workVerified;
    expect(verified({})).toBe(false);
    expect(verified({ minDifficulty: SAMPLE_DIFFICULTY })).toBe(true);
    expect(verified({ minDifficulty: 2 ** -4 })).toBe(false);
    expect(verified({ minDifficulty: SAMPLE_DIFFICULTY, device: { ...device, simulated: true } })).toBe(false);
  });

  test("is not made of work that is too little, of another batch, or at another place", () => {
    expect(() => seal({ difficulty: 256 })).toThrow(/SEAL_WORK/);
    expect(() => seal({ batch: { ...batch, size: 2 } })).toThrow(/not in the work proof.*SEAL_WORK/);
    const template = workTemplate({ commitment: Buffer.alloc(32, 9), ntime: 1 });
    const branches = [batch.sealedValue];
    const merkleRoot = rootOfCoinbase(template.coinbase, branches);
    const header = encodeHeader({ ...decodeHeader(template.header), merkleRoot });
    expect(() => seal({ proof: mineProof({ ...template, branches, header }) })).toThrow(/place branch.*SEAL_WORK/);
    const bent = Buffer.from(proof.header);
    bent[40] = (bent[40] ?? 0) ^ 1;
    expect(() => seal({ proof: { ...proof, header: bent } })).toThrow(/SEAL_WORK/);
  });

  test("is not made with names, times or difficulties that it cannot carry", () => {
    expect(() => seal({ appliance: "" })).toThrow(/appliance.*SEAL_MESSAGE/);
    expect(() => seal({ utcMs: -1 })).toThrow(/utcMs.*SEAL_MESSAGE/);
    expect(() => seal({ device: { ...device, name: "x".repeat(65) } })).toThrow(/name.*SEAL_MESSAGE/);
    expect(() => seal({ difficulty: 0 })).toThrow(/SEAL_DIFFICULTY/);
    expect(() => seal({ minDifficulty: -1 })).toThrow(/SEAL_DIFFICULTY/);
  });
});

describe("a receipt", () => {
  const receipt = (index: number, of: Seal = seal()) => {
    const result = results[index] ?? boundResult(sampleResult(9));
    const signature = key.sign(commitmentOf(result));
    return makeReceipt({ result, signature, inclusion: { index, path: batch.tree.path(index) }, seal: of });
  };
  const options = { trustedKeys: new Map([[key.publicKey.toString("hex"), "ward"]]), minDifficulty: SAMPLE_DIFFICULTY };

  test("of every result of a batch is valid", () => {
    for (const index of results.keys()) {
      expect(verifyReceipt(encodeReceipt(receipt(index)), options)).toMatchObject({ verdict: "valid", exitCode: 0 });
    }
  });

  test("is not made for a result of another batch", () => {
    const inclusion = { index: 0, path: batch.tree.path(0) };
    const other = { result: boundResult(sampleResult(9)), signature: Buffer.alloc(64), inclusion, seal: seal() };
    expect(() => makeReceipt(other)).toThrow(/SEAL_BATCH/);
  });

  test("with any byte changed is invalid, and a failed check is named", () => {
    const bytes = encodeReceipt(receipt(1));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bent = Buffer.from(bytes);
        bent[at] = (bent[at] ?? 0) ^ change;
        const { exitCode, checks } = verifyReceipt(bent, options);
        expect(exitCode).toBe(1);
        expect(checks.some(({ verdict }) => verdict === "failed")).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("made of anything is refused by name, never a crash", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.uint8Array({ maxLength: 300 })), (text) => {
        expect(() => decodeReceipt(text)).toThrow(/SEAL_RECEIPT/);
        expect(verifyReceipt(text, options).checks[0]).toMatchObject({ name: "form", verdict: "failed" });
      }),
    );
  });

  test("is judged by its own seal, whichever was verified before", () => {
    const verifier = new ReceiptVerifier(options);
    const good = receipt(0);
    const bad = { ...good, seal: { ...good.seal, utcMs: 1 } };
    const codes = [good, bad, good, bad].map((one) => verifier.verify(encodeReceipt(one)).exitCode);
    expect(codes).toEqual([0, 1, 0, 1]);
    for (let i = 0; i < 40; i++) verifier.verify(encodeReceipt({ ...good, seal: { ...good.seal, utcMs: i } }));
    expect(verifier.verify(encodeReceipt(good)).exitCode).toBe(0);
  });

  test("is verified with sane options only", () => {
    const text = encodeReceipt(receipt(0));
    expect(() => verifyReceipt(text, { ...options, fileDigest: Buffer.alloc(31) })).toThrow(/SEAL_LENGTH/);
    expect(() => verifyReceipt(text, { ...options, rasterDigest: Buffer.alloc(33) })).toThrow(/SEAL_LENGTH/);
    expect(() => verifyReceipt(text, { ...options, minDifficulty: Number.NaN })).toThrow(/SEAL_DIFFICULTY/);
  });
});

describe("the ledger", () => {
  const chain: Seal[] = [];
  let previous: Uint8Array = FIRST_PREVIOUS;
  for (let i = 0; i < 4; i++) {
    const next = closeBatch([Buffer.alloc(32, i), Buffer.alloc(32, 99)], previous);
    chain.push(seal({ batch: next, proof: mine(next.sealedValue) }));
    previous = next.sealedValue;
  }
  const texts = chain.map(encodeSeal);
  const head = (count: number) => chain[count - 1]?.sealedValue ?? EMPTY_LEDGER.head;

  test("that is whole tells its head, and an empty one zeros", () => {
    expect(checkLedger(texts)).toEqual({ ok: true, head: { seals: 4, results: 8, head: head(4) } });
    expect(checkLedger([])).toEqual({ ok: true, head: { seals: 0, results: 0, head: "0".repeat(64) } });
    expect(chain.reduce(extendLedger, EMPTY_LEDGER)).toEqual({ seals: 4, results: 8, head: head(4) });
  });

  test("names the first seal that is wrong, and how", () => {
    const broken = (change: (texts: string[]) => unknown) => {
      const copy = [...texts];
      change(copy);
      const verdict = checkLedger(copy);
      return verdict.ok ? null : [verdict.seal, verdict.fault, verdict.head.head];
    };
    expect(broken((all) => all.splice(1, 1))).toEqual([1, "previous", head(1)]);
    expect(broken((all) => all.splice(0, 1))).toEqual([0, "previous", head(0)]);
    expect(broken((all) => all.reverse())).toEqual([0, "previous", head(0)]);
    expect(broken((all) => all.splice(2, 0, all[1] ?? ""))).toEqual([2, "previous", head(2)]);
    expect(broken((all) => all.splice(2, 1, "{"))).toEqual([2, "form", head(2)]);
    const bent = (at: number, change: Partial<Seal>) => (all: string[]) =>
      all.splice(at, 1, encodeSeal({ ...(chain[at] as Seal), ...change }));
    expect(broken(bent(2, { utcMs: 1 }))).toEqual([2, "seal-signature", head(2)]);
    expect(broken(bent(3, { size: 1 }))).toEqual([3, "sealed-value", head(3)]);
  });

  test("of another's key is named where keys are given", () => {
    const trusting = (number: number) =>
      checkLedger(texts, { trustedKeys: new Map([[sampleKey(number).publicKey.toString("hex"), ""]]) });
    expect(trusting(1).ok).toBe(true);
    expect(trusting(2)).toMatchObject({ ok: false, seal: 0, fault: "signer" });
  });

  test("cut at its end is found by a head kept elsewhere, and by nothing else", () => {
    const cut = texts.slice(0, 3);
    expect(checkLedger(cut).ok).toBe(true);
    expect(checkLedger(cut, { anchors: [head(2), head(0)] }).ok).toBe(true);
    expect(checkLedger(cut, { anchors: [head(4)] })).toMatchObject({ ok: false, seal: 3, fault: "anchor" });
  });

  test("is not extended by a seal that does not follow", () => {
    const [, second] = chain;
    expect(() => extendLedger(EMPTY_LEDGER, second as Seal)).toThrow(/SEAL_LEDGER/);
  });
});
