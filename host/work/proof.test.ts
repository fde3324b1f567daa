import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findCommitment } from "./commitment.ts";
import { decodeHeader, encodeHeader, swapWords } from "./header.ts";
import { decodeProof, encodeProof, verifyProof, type WorkProof } from "./proof.ts";
import { targetOfDifficulty, targetOfNbits } from "./target.ts";
import { proofOfFound, workTemplate } from "./template.ts";
import { BLOCK_170, GENESIS } from "./testing/blocks.ts";
import { COMMITMENT } from "./testing/shares.ts";

const DIFFICULTY_1 = targetOfNbits(0x1d00ffff);
/** A block's own header, coinbase and branch: a proof of difficulty 1 at least, found by nobody here. */
const block170: WorkProof = {
  header: encodeHeader(BLOCK_170.header),
  coinbase: BLOCK_170.coinbase,
  branches: [BLOCK_170.payment],
};
const genesis: WorkProof = { header: GENESIS.header, coinbase: GENESIS.coinbase, branches: [] };

const NTIME = 1_800_000_000;
const MINED_DIFFICULTY = 2 ** -12;
const target = targetOfDifficulty(MINED_DIFFICULTY);

/** Tries nonces as a device does, some thousand of them. */
function mine(commitment: Uint8Array): WorkProof {
  const template = workTemplate({ commitment, ntime: NTIME });
  for (let nonce = 0; ; nonce++) {
    const proof = proofOfFound(template, { version: 0x20000000, nonce });
    if (verifyProof(proof, commitment, target).ok) return proof;
  }
}
const mined = mine(COMMITMENT);

const flips = (bytes: Uint8Array) =>
  Array.from({ length: 8 * bytes.length }, (_, bit) => {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return changed;
  });

describe("a work proof", () => {
  test("of a real block verifies, its branch found as the place", () => {
    const verdict = verifyProof(block170, BLOCK_170.payment, DIFFICULTY_1);
    expect(verdict).toMatchObject({ ok: true, place: { kind: "branch", index: 0 } });
    expect(verdict.ok && verdict.hash.reverse().toString("hex")).toBe(BLOCK_170.hash);
  });

  test("of the genesis block commits to the newspaper, elsewhere in the coinbase", () => {
    const words = Buffer.from("ancellor on brink of second bail", "ascii");
    expect(verifyProof(genesis, words, DIFFICULTY_1)).toMatchObject({ ok: true, place: { kind: "coinbase" } });
  });

  test("made from a template holds the commitment as the script's push", () => {
    expect(verifyProof(mined, COMMITMENT, target)).toMatchObject({
      ok: true,
      place: { kind: "script", offsetBytes: 47 },
    });
  });

  test("is refused with any bit of it changed", () => {
    const { header, coinbase, branches } = mined;
    const changed = [
      ...flips(header).map((it) => ({ ...mined, header: it })),
      ...flips(coinbase).map((it) => ({ ...mined, coinbase: it })),
      ...flips(branches[0] ?? Buffer.alloc(0)).map((it) => ({ ...mined, branches: [it] })),
      ...flips(block170.header).map((it) => ({ ...block170, header: it })),
    ];
    for (const proof of changed) expect(verifyProof(proof, COMMITMENT, target).ok).toBe(false);
    for (const other of flips(COMMITMENT))
      expect(verifyProof(mined, other, target)).toMatchObject({ reason: "commitment" });
  });

  test("is refused as malformed, of another root, without the commitment, above the target: each by name", () => {
    const reason = (proof: Partial<WorkProof>, commitment = COMMITMENT, wanted: Uint8Array = target) => {
      const verdict = verifyProof({ ...mined, ...proof }, commitment, wanted);
      return verdict.ok ? null : verdict.reason;
    };
    expect(reason({ header: mined.header.subarray(1) })).toBe("malformed");
    expect(reason({ coinbase: Buffer.alloc(0) })).toBe("malformed");
    expect(reason({ coinbase: Buffer.alloc(1025) })).toBe("malformed");
    expect(reason({ branches: [Buffer.alloc(33)] })).toBe("malformed");
    expect(reason({ branches: Array.from({ length: 33 }, () => COMMITMENT) })).toBe("malformed");
    expect(reason({ branches: [] })).toBe("root");
    expect(reason({ branches: [...mined.branches, COMMITMENT] })).toBe("root");
    expect(reason({}, Buffer.alloc(32, 1))).toBe("commitment");
    expect(reason({}, COMMITMENT, targetOfDifficulty(256))).toBe("target");
    expect(reason({})).toBeNull();
  });

  test("asked about with a commitment or target of another length is the caller's mistake", () => {
    expect(() => verifyProof(mined, Buffer.alloc(31), target)).toThrow(/WORK_LENGTH/);
    expect(() => verifyProof(mined, COMMITMENT, Buffer.alloc(33))).toThrow(/WORK_LENGTH/);
  });
});

describe("a commitment's place", () => {
  const prevhash = decodeHeader(block170.header).prevhash;

  test("is prevhash in either byte order", () => {
    expect(findCommitment(block170, prevhash)).toEqual({ kind: "prevhash", order: "header" });
    expect(findCommitment(block170, swapWords(prevhash))).toEqual({ kind: "prevhash", order: "stratum" });
  });

  test("is the script for the push after the height alone, so one work proof has one such commitment", () => {
    const { coinbase, ...rest } = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    const another = Buffer.alloc(32, 7);
    const [before, pushes, after] = [coinbase.subarray(0, 41), coinbase.subarray(42, 88), coinbase.subarray(88)];
    const script = Buffer.concat([pushes, Buffer.of(32), another]);
    const proof = { ...rest, coinbase: Buffer.concat([before, Buffer.of(script.length), script, after]) };
    expect(findCommitment(proof, COMMITMENT)).toEqual({ kind: "script", offsetBytes: 47 });
    expect(findCommitment(proof, another)).toMatchObject({ kind: "coinbase" });
  });

  test("is not the script of bytes that are no whole coinbase", () => {
    const template = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    const longer = Buffer.concat([template.coinbase, Buffer.of(0)]);
    expect(findCommitment({ ...template, coinbase: longer }, COMMITMENT)).toMatchObject({ kind: "coinbase" });
  });

  test("is not the script after a first push that is no height, nor where it runs past the script", () => {
    const { coinbase, ...rest } = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    const place = (bytes: Buffer, commitment: Uint8Array) => findCommitment({ ...rest, coinbase: bytes }, commitment);
    const begin = coinbase.subarray(0, 41);
    const script = Buffer.concat([Buffer.from("06000000000000", "hex"), Buffer.of(32), COMMITMENT]);
    const longHeight = Buffer.concat([begin, Buffer.of(script.length), script, coinbase.subarray(88)]);
    expect(place(longHeight, COMMITMENT)).toMatchObject({ kind: "coinbase" });
    // Sequence, one output and its script, posing as the push's 32 bytes.
    const posing = Buffer.concat([Buffer.from("ffffffff010000000000000000126a", "hex"), Buffer.alloc(17, 9)]);
    const overrun = Buffer.concat([begin, Buffer.from("050300350c20", "hex"), posing, Buffer.alloc(4)]);
    expect(place(overrun, posing)).toMatchObject({ kind: "coinbase" });
  });

  test("is not the script where the push is one of another length", () => {
    const template = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    const bent = Buffer.from(template.coinbase);
    bent[46] = 0x21;
    expect(findCommitment({ ...template, coinbase: bent }, COMMITMENT)).toMatchObject({ kind: "coinbase" });
  });

  test("is none for bytes that are not there", () => {
    expect(findCommitment(mined, Buffer.alloc(32, 9))).toBeNull();
  });
});

describe("a template", () => {
  test("has the header of SPEC's fields: version, mask, hard bits, nonce 0", () => {
    const template = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    const { version, ntime, nbits, nonce } = decodeHeader(template.header);
    expect([version, ntime, nbits, nonce]).toEqual([0x20000000, NTIME, 0x170355f0, 0]);
    expect(template.versionMask).toBe(0x1fffe000);
  });

  test("with another extranonce is another header for the same commitment", () => {
    const one = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    const two = workTemplate({ commitment: COMMITMENT, ntime: NTIME, extranonce: Buffer.alloc(8, 1) });
    expect(two.header).not.toEqual(one.header);
    expect(findCommitment(two, COMMITMENT)).toMatchObject({ kind: "script" });
    expect(() => workTemplate({ commitment: COMMITMENT, ntime: NTIME, extranonce: Buffer.alloc(7) })).toThrow(
      /WORK_LENGTH/,
    );
  });

  test("takes a rolled version and keeps everything else", () => {
    const template = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    const proof = proofOfFound(template, { version: 0x26e42000, nonce: 0xa4e2010c });
    expect(proof.header.subarray(4, 76)).toEqual(template.header.subarray(4, 76));
    expect(decodeHeader(proof.header)).toMatchObject({ version: 0x26e42000, nonce: 0xa4e2010c });
  });

  test("refuses version bits that the device may not change, and numbers out of range", () => {
    const template = workTemplate({ commitment: COMMITMENT, ntime: NTIME });
    for (const version of [0, 0x20000001, 0x00002000, 0x40000000]) {
      expect(() => proofOfFound(template, { version, nonce: 0 })).toThrow(/WORK_VERSION/);
    }
    for (const found of [
      { version: 2 ** 32 + 0x20000000, nonce: 0 },
      { version: 0x20000000, nonce: -1 },
    ]) {
      expect(() => proofOfFound(template, found)).toThrow(/WORK_NUMBER/);
    }
  });
});

describe("a proof in JSON", () => {
  test("comes back as it was", () => {
    for (const proof of [mined, block170, genesis]) {
      const back = decodeProof(JSON.parse(JSON.stringify(encodeProof(proof))));
      expect(encodeProof(back)).toEqual(encodeProof(proof));
    }
  });

  test("has one spelling only", () => {
    const json = encodeProof(mined);
    const bad: object[] = [
      { header: json.header.toUpperCase() },
      { header: `${json.header}00` },
      { header: 5 },
      { header: ` ${json.header}` },
      { coinbase: `${json.coinbase}0` },
      { coinbase: "" },
      { coinbase: "00".repeat(1025) },
      { branches: "" },
      { branches: [1] },
      { branches: ["00"] },
      { branches: Array.from({ length: 33 }, () => "00".repeat(32)) },
    ];
    expect(() => decodeProof({ ...json, branches: Array.from({ length: 33 }, () => 5) })).toThrow(/at most 32/);
    for (const change of bad)
      expect(() => decodeProof({ ...json, ...change }), JSON.stringify(change)).toThrow(/WORK_PROOF/);
  });

  test("of anything else is refused, never a crash", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => decodeProof(value)).toThrow(/WORK_PROOF/);
      }),
    );
  });
});
