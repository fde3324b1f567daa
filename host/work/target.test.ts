import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reversed } from "./bytes.ts";
import { sha256d } from "./header.ts";
import {
  difficultyOfHash,
  difficultyOfTarget,
  LEAST_DIFFICULTY,
  MOST_DIFFICULTY,
  meetsTarget,
  nbitsOfTarget,
  targetOfDifficulty,
  targetOfNbits,
  ticketDifficulty,
} from "./target.ts";
import { BLOCK_125552, GENESIS } from "./testing/blocks.ts";

const DIFFICULTY_1 = 0xffffn << 208n;
const big = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytesOf = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Every size of difficulty, fractions included. */
const difficulties = fc
  .tuple(fc.integer({ min: -32, max: 207 }), fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true }))
  .map(([exponent, mantissa]) => mantissa * 2 ** exponent);

describe("targets of difficulties", () => {
  test("are 0xffff × 2^208 at difficulty 1, as the compact form of the genesis block", () => {
    expect(hex(targetOfDifficulty(1))).toBe(`00000000ffff${"00".repeat(26)}`);
    expect(targetOfDifficulty(1)).toEqual(targetOfNbits(0x1d00ffff));
  });

  test("are the exact quotient of every whole difficulty", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (difficulty) => {
        expect(big(targetOfDifficulty(difficulty))).toBe(DIFFICULTY_1 / BigInt(difficulty));
      }),
    );
  });

  test("are the exact quotient of fractions", () => {
    expect(big(targetOfDifficulty(0.08))).toBe((DIFFICULTY_1 << 56n) / 5764607523034235n);
    expect(big(targetOfDifficulty(2 ** -20))).toBe(DIFFICULTY_1 << 20n);
    expect(big(targetOfDifficulty(LEAST_DIFFICULTY))).toBe(DIFFICULTY_1 << 32n);
    expect(big(targetOfDifficulty(MOST_DIFFICULTY))).toBe(0xffffn);
  });

  test("lead back to the same double as far as the target has its bits", () => {
    const many = difficulties.filter((difficulty) => difficulty < 2 ** 160);
    fc.assert(
      fc.property(many, (it) => {
        expect(difficultyOfTarget(targetOfDifficulty(it))).toBe(it);
      }),
    );
  });

  test("outside the range are refused", () => {
    for (const bad of [0, -1, 2 ** -33, 2 ** 209, Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(() => targetOfDifficulty(bad)).toThrow(/WORK_DIFFICULTY/);
    }
  });
});

describe("the difficulty of a hash", () => {
  test("is that of real blocks", () => {
    expect(difficultyOfHash(sha256d(GENESIS.header))).toBeCloseTo(2536.426, 3);
    expect(difficultyOfHash(sha256d(BLOCK_125552.header))).toBeGreaterThan(244_112.487);
  });

  test("is the exact quotient, rounded once", () => {
    fc.assert(
      fc.property(hash32, fc.integer({ min: 0, max: 31 }), (bytes, zeros) => {
        bytes.fill(0, 32 - zeros);
        bytes[0] = (bytes[0] ?? 0) | 1;
        const value = big(reversed(bytes));
        const got = difficultyOfHash(bytes);
        // |got - exact| ≤ |neighbour - exact|, over the common denominator of doubles above 2^-33.
        const scale = 1n << 100n;
        const distance = (double: number) => {
          const error = BigInt(double * 2 ** 100) * value - DIFFICULTY_1 * scale;
          return error < 0n ? -error : error;
        };
        for (const step of [-(2 ** -53), 2 ** -52]) {
          const neighbour = got * (1 + step);
          if (neighbour !== got) expect(distance(got) <= distance(neighbour)).toBe(true);
        }
      }),
    );
  });

  test("just above the middle of two doubles is the upper one", () => {
    const lower = 2n ** 52n + 2n;
    const middle = (2n * lower + 1n) << 44n;
    const value = (DIFFICULTY_1 << 128n) / middle;
    expect((DIFFICULTY_1 << 128n) % value).not.toBe(0n);
    expect(difficultyOfHash(reversed(bytesOf(value)))).toBe(Number(lower + 1n) * 2 ** (45 - 128));
  });

  test("of nothing is infinite", () => {
    expect(difficultyOfHash(Buffer.alloc(32))).toBe(Number.POSITIVE_INFINITY);
  });

  test("of another length is refused", () => {
    expect(() => difficultyOfHash(Buffer.alloc(31))).toThrow(/WORK_LENGTH/);
    expect(() => difficultyOfTarget(Buffer.alloc(33))).toThrow(/WORK_LENGTH/);
  });
});

describe("meeting a target", () => {
  test("compares as numbers do", () => {
    fc.assert(
      fc.property(hash32, hash32, fc.integer({ min: 0, max: 32 }), (hash, target, alike) => {
        // The most significant bytes alike, so that the decision falls at every place.
        for (let i = 0; i < alike; i++) target[i] = hash[31 - i] ?? 0;
        expect(meetsTarget(hash, target)).toBe(big(reversed(hash)) <= big(target));
      }),
    );
  });

  test("includes the target itself and not one more", () => {
    const target = targetOfDifficulty(256);
    expect(meetsTarget(reversed(target), target)).toBe(true);
    expect(meetsTarget(reversed(bytesOf(big(target) + 1n)), target)).toBe(false);
  });

  test("of a difficulty means at least that difficulty as a number", () => {
    fc.assert(
      fc.property(difficulties, fc.bigInt({ min: 0n, max: 3n }), (difficulty, below) => {
        const target = targetOfDifficulty(difficulty);
        const hash = reversed(bytesOf(big(target) - below));
        expect(meetsTarget(hash, target)).toBe(true);
        expect(difficultyOfHash(hash)).toBeGreaterThanOrEqual(difficulty);
      }),
    );
  });
});

describe("compact targets", () => {
  test("are those of Bitcoin Core's own tests", () => {
    const known: [number, string][] = [
      [0x01120000, "12"],
      [0x02123400, "1234"],
      [0x03123456, "123456"],
      [0x04123456, "12345600"],
      [0x05009234, "92340000"],
      [0x20123456, `123456${"00".repeat(29)}`],
      [0x170355f0, `0355f0${"00".repeat(20)}`],
      [0x1d0000c7, `c7${"00".repeat(26)}`],
    ];
    for (const [nbits, target] of known) expect(hex(targetOfNbits(nbits))).toBe(target.padStart(64, "0"));
    expect(nbitsOfTarget(bytesOf(0x80n))).toBe(0x02008000);
    expect(nbitsOfTarget(bytesOf(0x12345600n))).toBe(0x04123456);
    expect(nbitsOfTarget(bytesOf(0x92340000n))).toBe(0x05009234);
    expect(nbitsOfTarget(Buffer.alloc(32, 0xff))).toBe(0x2100ffff);
  });

  test("keep the highest bits of a target and never exceed it", () => {
    fc.assert(
      fc.property(hash32, fc.integer({ min: 0, max: 31 }), (target, zeros) => {
        target.fill(0, 0, zeros);
        target[31] = (target[31] ?? 0) | 1;
        const value = big(target);
        const back = big(targetOfNbits(nbitsOfTarget(target)));
        expect(back <= value && value - back < (value >> 15n) + 1n).toBe(true);
        expect(nbitsOfTarget(bytesOf(back))).toBe(nbitsOfTarget(target));
      }),
    );
  });

  test("that are zero, negative or too large are refused", () => {
    for (const bad of [
      0, 0x00123456, 0x01003456, 0x03000000, 0x04923456, 0x01fedcba, 0x21010000, 0x22000100, 0xff123456,
    ]) {
      expect(() => targetOfNbits(bad), bad.toString(16)).toThrow(/WORK_NBITS/);
    }
    expect(() => targetOfNbits(2 ** 32)).toThrow(/WORK_NUMBER/);
    expect(() => nbitsOfTarget(Buffer.alloc(32))).toThrow(/WORK_NBITS/);
  });
});

test("a ticket is the largest power of two that is not above the difficulty", () => {
  const known = [
    [0.08, 1],
    [1, 1],
    [1.99, 1],
    [2, 2],
    [255.9, 128],
    [256, 256],
    [1000, 512],
    [2 ** 31 - 1, 2 ** 30],
    [2 ** 31, 2 ** 31],
    [1e300, 2 ** 31],
  ] as const;
  for (const [difficulty, ticket] of known) expect(ticketDifficulty(difficulty)).toBe(ticket);
  expect(() => ticketDifficulty(0)).toThrow(/WORK_DIFFICULTY/);
  expect(() => ticketDifficulty(Number.NaN)).toThrow(/WORK_DIFFICULTY/);
});
