import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeHeader, VERSION_MASK } from "./header.ts";
import { type Job, SEAL_BRANCH, sealJob } from "./job.ts";
import { PreparedJob, type Share } from "./prepared-job.ts";
import { verifyProof } from "./proof.ts";
import { SeenShares } from "./seen.ts";
import { checkShare, readShare, SHARE_REFUSALS, type ShareRefusal } from "./share.ts";
import { targetOfDifficulty } from "./target.ts";
import { ANY_HASH, COMMITMENT, easyJob, easyShare, realShares } from "./testing/shares.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const check = (prepared: PreparedJob | "stale", share: Share, seen = new SeenShares(100)) =>
  checkShare(new Map([["1a", prepared]]), share, seen);

/** The fact that a share stands for, computed without any of the parts under test. */
function reference({ job, terms }: PreparedJob, share: Share): Buffer {
  let root = sha256(sha256(Buffer.concat([job.coinb1, terms.extranonce1, share.extranonce2, job.coinb2])));
  for (const branch of job.branches) root = sha256(sha256(Buffer.concat([root, branch])));
  const le = (value: number) => Buffer.of(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
  const version = le((job.version ^ share.versionBits) >>> 0);
  return Buffer.concat([version, job.prevhash, root, le(share.ntime), le(job.nbits), le(share.nonce)]);
}

const shares = fc.record({
  jobId: fc.constant("1a"),
  extranonce2: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  ntime: fc.integer({ min: 1_800_000_000, max: 1_800_000_060 }),
  nonce: fc.integer({ min: 0, max: 0xffffffff }),
  versionBits: fc.integer({ min: 0, max: 0xffff }).map((bits) => bits << 13),
});

describe("an accepted share", () => {
  test("has the header, hash and coinbase that plain SHA-256 gives", () => {
    const prepared = easyJob({ ntimeSlackS: 60 });
    fc.assert(
      fc.property(shares, (share) => {
        const verdict = check(prepared, share);
        const header = reference(prepared, share);
        if (!verdict.ok) throw new Error(verdict.message);
        expect(verdict.header).toEqual(header);
        expect(verdict.hash).toEqual(sha256(sha256(header)));
      }),
    );
  });

  test("is a work proof that verifies by itself, its commitment pushed by the script", () => {
    const verdict = check(easyJob(), easyShare(7));
    if (!verdict.ok) throw new Error(verdict.message);
    expect(verifyProof(verdict.proof, COMMITMENT, ANY_HASH)).toMatchObject({
      ok: true,
      difficulty: verdict.difficulty,
      place: { kind: "script" },
    });
    expect(verdict.proof.branches).toEqual([SEAL_BRANCH]);
    expect(decodeHeader(verdict.header).version).toBe(0x20002000);
  });

  test("does not change when others are checked after it", () => {
    const prepared = easyJob();
    const verdict = check(prepared, easyShare(1));
    const before = structuredClone(verdict);
    check(prepared, { ...easyShare(2), extranonce2: Buffer.alloc(4, 9) });
    expect(structuredClone(verdict)).toEqual(before);
  });

  test("may have moved the time within what was agreed", () => {
    const later = { ...easyShare(3), ntime: 1_800_000_060 };
    expect(check(easyJob({ ntimeSlackS: 60 }), later).ok).toBe(true);
  });
});

describe("a share is refused", () => {
  const refusals: [ShareRefusal, number, Partial<Share>][] = [
    ["job-not-found", 21, { jobId: "1b" }],
    ["malformed", 20, { nonce: 2 ** 32 }],
    ["malformed", 20, { ntime: Number.NaN }],
    ["malformed", 20, { versionBits: -1 }],
    ["extranonce2-length", 20, { extranonce2: Buffer.alloc(3) }],
    ["extranonce2-length", 20, { extranonce2: Buffer.alloc(5) }],
    ["ntime-range", 20, { ntime: 1_799_999_999 }],
    ["ntime-range", 20, { ntime: 1_800_000_001 }],
    ["version-bits", 20, { versionBits: 0x1000 }],
    ["version-bits", 20, { versionBits: 0x20000000 }],
  ];
  test.each(refusals)("as %s with code %i: %o", (reason, code, change) => {
    expect(check(easyJob(), { ...easyShare(1), ...change })).toMatchObject({ ok: false, reason, code });
  });

  test("as stale when its job no longer counts", () => {
    expect(check("stale", easyShare(1))).toMatchObject({ ok: false, reason: "stale", code: 21 });
  });

  test("as of low difficulty, which it says, and can be sent again to the same answer", () => {
    const seen = new SeenShares(10);
    for (let i = 0; i < 2; i++) {
      const verdict = check(easyJob({ target: targetOfDifficulty(256) }), easyShare(1), seen);
      expect(verdict).toMatchObject({ ok: false, reason: "low-difficulty", code: 23 });
      expect(!verdict.ok && verdict.difficulty).toBeLessThan(1);
    }
    expect(seen.count).toBe(0);
  });

  test("as a duplicate the second time, and not when any of its numbers differs", () => {
    const prepared = easyJob({ ntimeSlackS: 60 });
    const seen = new SeenShares(10);
    expect(check(prepared, easyShare(1), seen).ok).toBe(true);
    expect(check(prepared, easyShare(1), seen)).toMatchObject({ ok: false, reason: "duplicate", code: 22 });
    const others: Partial<Share>[] = [
      { nonce: 2 },
      { ntime: 1_800_000_001 },
      { versionBits: 0x4000 },
      { extranonce2: Buffer.of(1, 0, 0, 0) },
    ];
    for (const other of others) expect(check(prepared, { ...easyShare(1), ...other }, seen).ok).toBe(true);
  });

  test("as one too many while the set is full, so that none can be sent twice", () => {
    const seen = new SeenShares(1);
    const prepared = easyJob();
    expect(check(prepared, easyShare(1), seen).ok).toBe(true);
    expect(check(prepared, easyShare(2), seen)).toMatchObject({ ok: false, reason: "too-many", code: 20 });
    expect(check(prepared, easyShare(1), seen)).toMatchObject({ ok: false, reason: "duplicate" });
  });

  test("with a text that says why, for every reason", () => {
    const texts = Object.values(SHARE_REFUSALS).map(([, message]) => message);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe("the real shares of an LV06", () => {
  const real = realShares();
  const judge = (job: Job, terms: PreparedJob["terms"], share: Share) =>
    checkShare(new Map([[share.jobId, new PreparedJob(job, terms)]]), share, new SeenShares(1));

  test("all 20 pass, with the recorded difficulty", () => {
    expect(real.length).toBe(20);
    for (const { job, terms, share, recordedDifficulty } of real) {
      const verdict = judge(job, terms, share);
      if (!verdict.ok) throw new Error(`${share.jobId}: ${verdict.message}`);
      expect(Math.round(verdict.difficulty * 1000) / 1000, share.jobId).toBe(recordedDifficulty);
    }
  });

  test("commit through prevhash, in Stratum's byte order, and have no branches", () => {
    for (const { job, terms, share, wirePrevhash } of real) {
      const verdict = judge(job, terms, share);
      if (!verdict.ok) throw new Error(`${share.jobId}: ${verdict.message}`);
      expect(verdict.proof.branches).toEqual([]);
      const place = { kind: "prevhash", order: "stratum" };
      expect(verifyProof(verdict.proof, wirePrevhash, terms.target)).toMatchObject({ ok: true, place });
      const order = { kind: "prevhash", order: "header" };
      expect(verifyProof(verdict.proof, job.prevhash, terms.target)).toMatchObject({ ok: true, place: order });
    }
  });

  test("are refused with any bit of any field changed", () => {
    const flip = (bytes: Uint8Array, bit: number) => {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return changed;
    };
    const flipped = (value: number, bit: number) => (value ^ (1 << bit)) >>> 0;
    for (const { job, terms, share } of real) {
      const changes: [string, Parameters<typeof judge>][] = [];
      for (let bit = 0; bit < 32; bit++) {
        for (const field of ["ntime", "nonce", "versionBits"] as const) {
          changes.push([field, [job, terms, { ...share, [field]: flipped(share[field], bit) }]]);
        }
        changes.push(["extranonce2", [job, terms, { ...share, extranonce2: flip(share.extranonce2, bit) }]]);
        changes.push(["extranonce1", [job, { ...terms, extranonce1: flip(terms.extranonce1, bit) }, share]]);
        changes.push(["nbits", [{ ...job, nbits: flipped(job.nbits, bit) }, terms, share]]);
        const version = flipped(job.version, bit);
        if ((version & VERSION_MASK) === 0) changes.push(["version", [{ ...job, version }, terms, share]]);
      }
      for (const field of ["prevhash", "coinb1", "coinb2"] as const) {
        for (let bit = 0; bit < 8 * job[field].length; bit++) {
          changes.push([field, [{ ...job, [field]: flip(job[field], bit) }, terms, share]]);
        }
      }
      changes.push(["branches", [{ ...job, branches: [SEAL_BRANCH] }, terms, share]]);
      for (const [field, change] of changes) expect(judge(...change).ok, field).toBe(false);
    }
  });
});

describe("terms that no miner could keep are refused:", () => {
  const { job, terms } = easyJob();
  test.each([
    ["WORK_NUMBER", { extranonce1: Buffer.alloc(9) }],
    ["WORK_NUMBER", { extranonce2Bytes: 0 }],
    ["WORK_NUMBER", { extranonce2Bytes: 9 }],
    ["WORK_NUMBER", { ntimeSlackS: 7201 }],
    ["WORK_NUMBER", { versionMask: -1 }],
    ["WORK_LENGTH", { target: Buffer.alloc(31) }],
    ["WORK_JOB", { versionMask: 0x20000000 }],
  ])("%s %o", (code, change) => {
    expect(() => new PreparedJob(job, { ...terms, ...change })).toThrow(code);
  });

  test("jobs with parts of the wrong size as well", () => {
    for (const change of [{ prevhash: Buffer.alloc(4) }, { branches: [Buffer.alloc(31)] }]) {
      expect(() => new PreparedJob({ ...job, ...change }, terms)).toThrow(/WORK_LENGTH/);
    }
    for (const field of ["version", "ntime", "nbits"]) {
      expect(() => new PreparedJob({ ...job, [field]: -1 }, terms)).toThrow(/WORK_NUMBER/);
    }
  });
});

describe("sealing jobs", () => {
  test("have a branch, a hard target and no version bit that may be rolled", () => {
    const job = sealJob({ id: "1a", commitment: COMMITMENT, ntime: 1, extranonceBytes: 8 });
    expect(job.branches.length).toBe(1);
    expect(job.nbits).toBe(0x170355f0);
    expect(job.version & VERSION_MASK).toBe(0);
  });

  test("of ids or numbers that miners stumble over are refused", () => {
    const make = (change: object) => () =>
      sealJob({ id: "1a", commitment: COMMITMENT, ntime: 1, extranonceBytes: 8, ...change });
    for (const id of ["", "A1", "g", "0".repeat(17)]) expect(make({ id })).toThrow(/WORK_JOB/);
    expect(make({ ntime: 0.5 })).toThrow(/WORK_NUMBER/);
    expect(make({ prevhash: Buffer.alloc(31) })).toThrow(/WORK_LENGTH/);
  });
});

describe("a share in hex", () => {
  const hex = { jobId: "1a", extranonce2: "0a000000", ntime: "6951450e", nonce: "308502CC", versionBits: "0f250000" };

  test("is read, in either case, with or without version bits", () => {
    const read = { jobId: "1a", extranonce2: Buffer.of(10, 0, 0, 0), ntime: 0x6951450e, nonce: 0x308502cc };
    expect(readShare(hex)).toEqual({ ...read, versionBits: 0x0f250000 });
    expect(readShare({ ...hex, versionBits: undefined })).toEqual({ ...read, versionBits: 0 });
  });

  test("is none with anything else", () => {
    for (const bad of ["", "0", "308502c", "308502cc0", "0x8502cc", "308502cg", " 308502c", "-08502cc", "٣08502cc"]) {
      for (const field of ["ntime", "nonce", "versionBits"]) expect(readShare({ ...hex, [field]: bad })).toBeNull();
    }
    for (const bad of ["0", "zz", "0x00", "00 00"]) expect(readShare({ ...hex, extranonce2: bad })).toBeNull();
  });
});
